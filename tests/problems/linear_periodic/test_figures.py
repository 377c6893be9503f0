"""The figure on linear-periodic targets, drawn from a toy dataset: what its artists show."""

import matplotlib as mpl
import numpy as np
import pytest

from gradient_failures.problems.linear_periodic.figures.linear_periodic import draw
from gradient_failures.results import plotting
from problems.linear_periodic import toy


def same(found, expected):
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-12)


@pytest.fixture
def panels():
    """The panels and the bar of colours."""
    return draw(toy.linear_periodic()).axes


def test_the_loss_surface(monkeypatch):
    """Contours keep no data, so those that are handed over are read."""
    drawn, contourf = [], mpl.axes.Axes.contourf

    def recorded(axes, *data, **options):
        drawn.extend([*data, options["levels"]])
        return contourf(axes, *data, **options)

    monkeypatch.setattr(mpl.axes.Axes, "contourf", recorded)
    data = toy.linear_periodic()
    axes, *_, bar = draw(data).axes
    first, second, heights, levels = drawn
    same(first, [-1, 0, 2])
    same(second, [-2, 1])
    same(heights, data["surface"].transpose("second_weight", "first_weight"))
    same(levels, np.arange(17) / 10)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("the first_weight", "the second_weight")
    assert axes.get_title() == "Loss for one target, d = 2"
    assert axes.get_aspect() == 1
    assert bar.get_ylabel() == "surface"
    same(bar.get_yticks(), [0, 0.4, 0.8, 1.2, 1.6])


def test_dimension_and_norm_together(panels):
    largest, parities = panels[1].lines
    same(largest.get_data(), [[2, 5, 10], toy.linear_periodic()["joint_variance"]])
    same(parities.get_data(), [[2, 5, 10], [1 / 4, 1 / 32, 1 / 1024]])
    assert (largest.get_label(), largest.get_color()) == ("largest over all weights", plotting.BLUE)
    assert (parities.get_label(), parities.get_linestyle()) == ("$2^{-d}$, as for parities", "--")
    assert panels[1].get_xlabel() == "dimension and norm of the target, d = r"
    assert panels[1].get_title() == "Both grow together"


@pytest.mark.parametrize(
    ("panel", "along", "by", "symbol", "shown"),
    [(2, "dim", "radius", "r", [1, 2, 3, 7, 9]), (3, "radius", "dim", "d", [2, 5, 7, 9, 30])],
)
def test_the_variance_against_one_axis_for_some_values_of_the_other(panels, panel, along, by, symbol, shown):
    data, axes = toy.linear_periodic(), panels[panel]
    assert len(axes.containers) == len(shown)
    lines = [line for line in axes.lines if line.get_linestyle() != "None"]
    for index, (value, container) in enumerate(zip(shown, axes.containers, strict=True)):
        at, (worst, initial) = data.sel({by: value}), lines[2 * index : 2 * index + 2]
        same(worst.get_data(), [at[along], at["variance"].sel(weights="worst")])
        same(initial.get_data(), [at[along], at["variance"].sel(weights="initial")])
        assert (worst.get_label(), worst.get_linestyle()) == (f"{symbol} = {value}", "-")
        assert initial.get_linestyle() == ":"
        points, _, (bars,) = container
        same(points.get_data(), [at[along], at["sampled_variance"]])
        ends = np.array(bars.get_segments())[:, :, 1].T
        same(ends, [at["sampled_variance"] + sign * 2 * at["sampled_error"] for sign in (-1, 1)])
        assert (points.get_marker(), points.get_linestyle()) == ("o", "None")
        same(worst.get_color(), mpl.colormaps["viridis"](0.9 * index / (len(shown) - 1)))
        assert {tuple(line.get_color()) for line in (worst, initial, points)} == {tuple(worst.get_color())}
    assert axes.get_xlabel() == f"the {along}"
    assert axes.get_title() == f"By the {along}"
    assert axes.get_ylim() == (1e-18, 3)


def test_variances_are_logarithmic_and_named(panels):
    for axes in panels[1:4]:
        assert axes.get_yscale() == "log"
        assert axes.get_ylabel() == "variance across targets"
        assert axes.get_legend()
