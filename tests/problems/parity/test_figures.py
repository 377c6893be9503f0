"""The figures on parities, drawn from toy datasets: what their artists show."""

import numpy as np
import pytest

from gradient_failures.problems.parity.figures import gradient_variance, parity, parity_variants
from gradient_failures.results import plotting, statistics
from problems.parity import toy


def same(found, expected):
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-12)


def points(line):
    return [np.asarray(values).tolist() for values in line.get_data()]


def corners(x, y):
    """The points, apart from rounding."""
    return set(zip(x, np.round(y, 12).tolist(), strict=True))


def ticks(axes):
    return [text.get_text() for text in axes.get_xticklabels()]


def dots(axes, label):
    """Place, colour and marker of the points with this label."""
    (line,) = (line for line in axes.lines if line.get_label() == label)
    assert line.get_linestyle() == "None"
    return line.get_xdata(), line.get_ydata(), line.get_color(), line.get_marker()


PUBLISHED = {"accuracy": {"d5": {"step": [0, 30, 50], "value": [0.4, 0.7, 1.0]}}}


def test_figure_1_shows_the_runs_their_median_and_middle_half_and_the_published_run():
    data = toy.parity()
    data["accuracy"].values[2, 1, 3] = 0.3
    figure = parity.draw(data, toy.parity_subset_size(), PUBLISHED)
    upper, lower = figure.subfigs
    assert len(lower.axes) == 2
    for panel, dim in zip(upper.axes, [5, 10, 20], strict=True):
        curves = data["accuracy"].sel(dim=dim).values
        expected = [[toy.STEPS, curve.tolist()] for curve in (*curves, np.median(curves, 0))]
        expected += [[[0, 30], [0.4, 0.7]]] if dim == 5 else []
        assert [points(line) for line in panel.lines] == [*expected, [[0, 1], [0.5, 0.5]]]
        assert {line.get_color() for line in panel.lines[:4]} == {plotting.BLUE}
        (band,) = panel.collections
        low, high = np.quantile(curves, [0.25, 0.75], axis=0)
        assert corners(*band.get_paths()[0].vertices.T) == corners(toy.STEPS, low) | corners(toy.STEPS, high)
        assert panel.get_title() == f"d = {dim} (3 runs)"
        assert panel.get_xlim() == (0, 40)
        assert panel.get_ylim() == (pytest.approx(0.28), 1.02)
    assert [text.get_text() for text in upper.legends[0].get_texts()] == [
        "middle half of runs",
        "median of runs",
        "published",
    ]
    assert (upper.get_supxlabel(), upper.get_supylabel()) == ("training steps", "the accuracy")


def test_the_panels_of_figure_1_reach_down_to_0_4_where_no_run_is_below():
    figure = parity.draw(toy.parity().clip(0.45), toy.parity_subset_size(), PUBLISHED)
    assert figure.axes[0].get_ylim() == (0.4, 1.02)


def test_figure_1_fills_rows_of_three():
    data = toy.runs(dim=[5, 10, 15, 20])
    figure = parity.draw(data, toy.parity_subset_size(), PUBLISHED)
    assert [axes.axison for axes in figure.subfigs[0].axes] == [True] * 4 + [False] * 2
    assert figure.subfigs[0].axes[0].get_subplotspec().get_gridspec().ncols == 3


def test_figure_1_shows_the_share_of_runs_that_learn():
    figure = parity.draw(toy.parity(), toy.parity_subset_size(), PUBLISHED)
    uniform, fixed = figure.subfigs[1].axes
    for axes, at, successes in (
        (uniform, np.array([5, 10, 20]), {0.90: [3, 1, 0], 0.99: [1, 0, 0]}),
        (fixed, np.array([2, 3, 7]), {0.90: [2, 1, 0], 0.99: [2, 0, 0]}),
    ):
        looks = {0.90: (plotting.BLUE, "o", "-", -1), 0.99: (plotting.VERMILION, "s", "--", 1)}
        for container, (level, (color, marker, style, sign)) in zip(
            axes.containers, looks.items(), strict=True
        ):
            line, _, (bars,) = container
            rates = [statistics.rate(count, 3) for count in successes[level]]
            places = at + sign * 0.01 * (at[-1] - at[0])
            same(line.get_xydata(), [(x, rate.value) for x, rate in zip(places, rates, strict=True)])
            same(
                bars.get_segments(),
                [
                    [(x, min(rate.low, rate.value)), (x, max(rate.high, rate.value))]
                    for x, rate in zip(places, rates, strict=True)
                ],
            )
            assert (line.get_color(), line.get_marker(), line.get_linestyle()) == (color, marker, style)
            assert container.get_label() == f"reach {level:.2f}"
        assert axes.get_xticks().tolist() == at.tolist()
        assert axes.get_ylim() == (-0.03, 1.03)
    assert (uniform.get_title(), fixed.get_title()) == ("v* uniform", "|v*| fixed, d = 30")
    assert (uniform.get_xlabel(), fixed.get_xlabel()) == ("the dim", "the fixed_subset_size")
    assert uniform.get_ylabel() == "share of runs that learn"
    assert uniform.get_legend()


def test_variants_show_the_late_accuracy_of_every_run():
    architectures = toy.runs(dim=[10, 30], architecture=["10d", "40d", "10d-10d"])
    encodings = toy.runs(draw=1, dim=[5, 10], input_encoding=["signs", "bits"])
    left, right = parity_variants.draw(architectures, encodings).axes
    late = architectures["accuracy"].sel(dim=30, step=[30, 40]).mean("step").values
    chance, deep = left.lines
    same(chance.get_ydata(), [0.5, 0.5])
    same(deep.get_xdata().reshape(3, 3), np.arange(3)[:, np.newaxis] + [-0.08, 0, 0.08])
    same(deep.get_ydata().reshape(3, 3), late)
    assert deep.get_color() == plotting.BLUE
    assert (ticks(left), left.get_xlabel()) == (["10d", "40d", "10d-10d"], "the architecture")
    assert left.get_ylabel() == "mean accuracy, last quarter"
    assert left.get_title() == "Depth and width, d = 30"
    for label, encoding, color, marker, place in (
        ("inputs ±1 (released code)", "signs", plotting.BLUE, "o", -0.15),
        ("inputs 0 and 1 (text)", "bits", plotting.VERMILION, "s", 0.15),
    ):
        x, y, *look = dots(right, label)
        same(x.reshape(2, 3), np.arange(2)[:, np.newaxis] + place + np.array([-0.08, 0, 0.08]))
        shown = encodings["accuracy"].sel(input_encoding=encoding, step=[30, 40])
        same(y.reshape(2, 3), shown.mean("step").values)
        assert look == [color, marker]
    assert (ticks(right), right.get_title()) == (["d = 5", "d = 10"], "Input encoding")
    assert right.get_ylim() == (0.4, 1.02)
    assert right.get_legend()


LOSSES = {
    "squared": ("squared loss", plotting.BLUE, "o"),
    "hinge": ("hinge loss", plotting.VERMILION, "x"),
}


def variance_panels(data):
    return gradient_variance.draw(data).axes


def assert_every_seed(axes, label, values, color, marker):
    """One marker for each run of ``values`` (x, seed)."""
    x, y, *look = dots(axes, label)
    same(x.reshape(-1, 3), np.repeat(values[values.dims[0]].values[:, np.newaxis], 3, 1))
    same(y.reshape(-1, 3), values.values)
    assert look == [color, marker]


def named(axes):
    return {line.get_label(): line for line in axes.lines}


def test_theorem_1_at_initial_weights_beside_bound_and_noise():
    data = toy.gradient_variance()
    axes, at = variance_panels(data)[0], data.sel(architecture="10d")
    for loss, (label, *look) in LOSSES.items():
        assert_every_seed(axes, label, at["variance"].sel(loss=loss).transpose("dim", "seed"), *look)
    for name, label, color, style in (
        ("bound", "bound G²/2ᵈ", "0.3", "-"),
        ("sgd_noise", "noise of a batch", plotting.GREEN, "-"),
        ("run_noise", "noise of a whole run", plotting.PURPLE, "--"),
        ("float32_resolution", "rounding to float32", plotting.ORANGE, ":"),
    ):
        line = named(axes)[label]
        same(points(line), [[2, 10, 20], np.median(at[name].transpose("seed", "dim"), axis=0)])
        assert (line.get_color(), line.get_linestyle()) == (color, style)
    assert len(axes.lines) == 6
    assert axes.get_ylabel() == "squared norm of a gradient"
    assert axes.get_title() == "At initial weights"


def test_theorem_1_along_training_with_the_largest_bound():
    data = toy.gradient_variance()
    axes = variance_panels(data)[1]
    bounds = [line for line in axes.lines if line.get_linestyle() == "-"]
    for step, label, color, marker, bound in (
        (0, "0 steps", plotting.BLUE, "o", bounds[0]),
        (4000, "4\u202f000 steps", plotting.VERMILION, "s", bounds[1]),
    ):
        values = data["trained_variance"].sel(loss="hinge", step=step).transpose("trained_dim", "seed")
        assert_every_seed(axes, label, values, color, marker)
        largest = data["trained_bound"].sel(step=step).transpose("seed", "trained_dim").values.max(0)
        same(points(bound), [[3, 5, 15], largest])
        assert bound.get_color() == color
    assert len(axes.lines) == 4
    assert axes.get_title() == "Along training, hinge loss"


def test_theorem_1_relative_to_the_bound_by_architecture():
    data = toy.gradient_variance()
    axes = variance_panels(data)[2]
    for name, color, marker in (("10d", plotting.BLUE, "o"), ("40d", plotting.VERMILION, "s")):
        ratio = data["variance_over_bound"].sel(loss="hinge", architecture=name)
        assert_every_seed(axes, name, ratio.transpose("dim", "seed"), color, marker)
    bound, quarter = axes.lines[2:]
    assert (points(bound), points(quarter)) == ([[0, 1], [1, 1]], [[0, 1], [0.25, 0.25]])
    assert (bound.get_linestyle(), quarter.get_linestyle()) == ("-", "--")
    assert axes.get_ylabel() == "variance / bound"
    assert axes.get_ylim() == (0, 1.08)
    assert axes.get_title() == "Depth and width, hinge loss"
    assert axes.get_legend().get_title().get_text() == "the architecture"


def test_theorem_1_by_subset_size():
    data = toy.gradient_variance()
    axes = variance_panels(data)[3]
    for loss, (label, *look) in LOSSES.items():
        signal = data["signal_by_size"].sel(loss=loss).transpose("subset_size", "seed")
        assert_every_seed(axes, label, signal, *look)
    whole = data["enumerated_variance"].sel(enumerated_dim=5, loss="hinge", step=0)
    same(named(axes)["variance"].get_ydata(), [np.median(whole)] * 2)
    assert axes.get_title() == "Signal of one target, d = 5"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("subset size |v*|", "squared norm")


def test_theorem_1_has_powers_of_two_and_dimensions_in_fives():
    initial, trained, architectures, sizes = variance_panels(toy.gradient_variance())
    for axes in (initial, trained, sizes):
        axes.set_ylim(1, 8)
        assert axes.get_yscale() == "log"
        assert [tick for tick in axes.get_yticks() if 1 <= tick <= 8] == [1, 2, 4, 8]
    for axes, marks in ((initial, [5, 10, 15, 20]), (trained, [5, 10, 15]), (architectures, [5, 10, 15, 20])):
        assert axes.get_xlabel() == "input dimension d"
        assert axes.get_xticks().tolist() == marks
    assert all(axes.get_legend() for axes in (initial, trained, architectures, sizes))
