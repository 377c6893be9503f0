"""The graphical summary, drawn from a toy dataset: what its panels show."""

import numpy as np
import pytest
from matplotlib.quiver import Quiver

from gradient_failures.problems.summary.figures.loss_surfaces import draw
from gradient_failures.results.dataset import labelled

AT = [0.0, 1.0, 2.0]


@pytest.fixture
def surfaces():
    rng = np.random.default_rng(0)
    return labelled(
        {
            "periodic_loss": (("target", "distance"), rng.random((3, 3)), "loss of a target"),
            "tuple_loss": (("tuple", "weight_change"), rng.random((2, 3)), "loss of a tuple"),
            "mean_tuple_loss": ("weight_change", rng.random(3), "mean loss"),
            "eigenvalue": ("direction", [2.0, 5.0, 1000.0], "eigenvalue"),
            "flat_loss": (("sample", "bias_change"), rng.random((2, 3)), "loss of a sample"),
        },
        {
            "target": (range(3), "target"),
            "distance": (AT, "distance"),
            "tuple": (range(2), "tuple"),
            "weight_change": (AT, "change of weights"),
            "direction": (range(3), "direction"),
            "sample": (range(2), "sample"),
            "bias_change": (AT, "change of bias"),
        },
    )


def lines(axes):
    return [np.transpose(line.get_data()).tolist() for line in axes.get_lines()]


def named(axes):
    """Which line each label of the legend is of."""
    handles, labels = axes.get_legend_handles_labels()
    return {label: axes.get_lines().index(handle) for label, handle in zip(labels, handles, strict=True)}


def expected(rows):
    return [np.transpose([AT, row]).tolist() for row in rows]


def test_each_panel_shows_its_own_surface(surfaces):
    targets, tuples, _, flat = draw(surfaces).get_axes()
    assert lines(targets) == expected(surfaces["periodic_loss"].values)
    assert named(targets) == {"the target on the line": 0, "2 other targets": 1}
    *singles, mean = lines(tuples)
    assert singles == expected(surfaces["tuple_loss"].values)
    assert [mean] == expected([surfaces["mean_tuple_loss"].values])
    assert named(tuples) == {"single tuples": 0, "mean": 2}
    assert lines(flat) == expected(surfaces["flat_loss"].values)
    assert {line.get_drawstyle() for line in flat.get_lines()} == {"steps-mid"}
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in (targets, tuples, flat)]
    assert labels == [
        ("distance", "loss of a target"),
        ("change of weights", "loss of a tuple"),
        ("change of bias", "loss of a sample"),
    ]


def test_descent_on_the_filter_goes_along_the_steepest_direction(surfaces):
    axes = draw(surfaces).get_axes()[2]
    assert axes.get_title() == "(c) Ill-conditioning: κ = 500"
    (arrows,) = (artist for artist in axes.get_children() if isinstance(artist, Quiver))
    np.testing.assert_allclose(arrows.U, -arrows.X / 500)
    np.testing.assert_allclose(arrows.V, -arrows.Y)
