"""The figure of the allocation, drawn from a toy dataset: what its lines show."""

import numpy as np
import xarray as xr

from gradient_failures.problems.allocation.figures.allocation import draw

LABELS = {"end_to_end": "end-to-end", "decomposition": "decomposition"}
STEP = {"long_name": "training steps", "units": "1"}
STOCKS = {"long_name": "number of stocks k", "units": "1"}
K = [10, 100]


def toy():
    rng = np.random.default_rng(0)
    loss = xr.DataArray(
        -rng.random((2, 2, 3, 4)),
        dims=("approach", "n_stocks", "seed", "step"),
        coords={
            "approach": list(LABELS),
            "n_stocks": ("n_stocks", K, STOCKS),
            "seed": range(3),
            "step": ("step", [0, 20, 40, 50], STEP),
        },
        attrs={"long_name": "expected negative gain", "units": "1"},
    )
    noise = xr.Dataset(
        {
            name: (("n_stocks", "seed"), rng.random((2, 5)))
            for name in ("ratio_by_stocks", "expected_ratio_by_stocks")
        },
        coords={"n_stocks": ("n_stocks", K, STOCKS), "seed": range(5)},
    )
    return loss, noise


CURVES = {
    approach: {10: {"step": [0, 30, 60], "value": [0.0, value, -1.0]}}
    for approach, value in (("end_to_end", -0.3), ("decomposition", -0.6))
}


def points(line):
    return [values.tolist() for values in line.get_data()]


def test_the_figure_shows_every_run_its_median_the_published_curves_the_last_losses_and_the_noise():
    loss, noise = toy()
    figure = draw(xr.Dataset({"loss": loss}), noise, {"loss": CURVES})
    first, second, *unused, final, ratio = figure.get_axes()
    assert [axes.axison for axes in unused] == [False]
    for axes, k in ((first, 10), (second, 100)):
        expected = []
        for approach in LABELS:
            curves = loss.sel(approach=approach, n_stocks=k).values
            expected += [[[0, 20, 40, 50], curve.tolist()] for curve in [*curves, np.median(curves, 0)]]
            if k == 10:
                expected.append([[0, 30], CURVES[approach][10]["value"][:2]])
        assert [points(line) for line in axes.lines] == expected
        named = {line.get_label(): points(line)[1] for line in axes.lines if line.get_label()[0] != "_"}
        for approach, label in LABELS.items():
            assert named[label] == np.median(loss.sel(approach=approach, n_stocks=k), 0).tolist()
        assert axes.get_title() == f"k = {k} (3 runs)"
    for axes, names in ((first, ["end-to-end", "published", "decomposition"]), (final, LABELS.values())):
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [*names]

    for index, (approach, label) in enumerate(LABELS.items()):
        last = loss.sel(approach=approach, step=50).values
        runs, median = final.lines[2 * index : 2 * index + 2]
        assert points(runs) == [np.repeat(K, 3).tolist(), last.ravel().tolist()]
        assert (median.get_label(), points(median)) == (label, [K, np.median(last, 1).tolist()])
        assert runs.get_color() == median.get_color()
    assert final.get_ylabel() == "final expected negative gain"
    assert final.get_title() == "After 50 steps, every run and the median"

    identity, expected, sampled = ratio.lines
    times_k = {name: values.values * np.transpose([K]) for name, values in noise.items()}
    assert points(identity) == [K, K]
    np.testing.assert_allclose(points(expected), [K, np.mean(times_k["expected_ratio_by_stocks"], 1)])
    assert points(sampled) == [np.repeat(K, 5).tolist(), times_k["ratio_by_stocks"].ravel().tolist()]
    assert [line.get_label() for line in ratio.lines] == ["k", "equations 3 and 4, supplement", "sampled"]
    for axes in (final, ratio):
        assert axes.get_xlabel() == "number of stocks k"
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10", "100"]
