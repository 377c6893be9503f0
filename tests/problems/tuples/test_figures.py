"""The figures on tuples, drawn from toy datasets: what their artists show."""

import numpy as np
import pytest

from gradient_failures.problems.tuples.figures import (
    gaussian_tuples,
    snr,
    tuple_images,
    tuple_variants,
    tuples,
)
from gradient_failures.results import plotting, statistics
from problems.tuples import toy

COLOR = {"end_to_end": plotting.VERMILION, "decomposition": plotting.BLUE}


def same(found, expected):
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-12)


def points(x, y):
    return np.stack([np.asarray(x, dtype=float), y], axis=1)


def lines(axes, color, style="-"):
    """Points of the lines of a colour and style, in order."""
    return [
        line.get_xydata() for line in axes.lines if (line.get_color(), line.get_linestyle()) == (color, style)
    ]


def markers(axes, marker, color):
    """Points with this marker."""
    return np.concatenate(
        [line.get_xydata() for line in axes.lines if (line.get_marker(), line.get_color()) == (marker, color)]
    )


def levels(axes, color):
    """Heights of the dotted lines."""
    return [line[0, 1] for line in lines(axes, color, ":")]


def colors(axes):
    return {line.get_label(): line.get_color() for line in axes.lines}


def legend(of):
    return [text.get_text() for text in of.get_texts()]


def each(values):
    """The lines that ``values`` (seed, step) should be: every run, up to its end."""
    shown = values.dropna("step")
    return [points(shown["step"], run) for run in shown]


def each_and_median(values):
    shown = values.dropna("step")
    return [*each(values), points(shown["step"], np.median(shown, axis=0))]


def test_sample_images():
    ceiling = toy.image_ceiling()
    panels = tuple_images.draw(ceiling).axes
    for panel, image in zip(panels, ceiling["sample_image"].values.reshape(6, 4, 5), strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), image)
        assert (panel.images[0].cmap.name, panel.images[0].origin) == ("gray_r", "upper")
    assert [panel.get_ylabel() for panel in panels] == ["y = +1", "", "", "y = -1", "", ""]


PUBLISHED = {
    "accuracy": {
        "end_to_end": {1: {"step": [0, 80, 90], "value": [0.3, 0.9, 1.0]}},
        "decomposition": {4: {"step": [0, 40, 50], "value": [0.2, 0.7, 1.0]}},
    }
}


@pytest.mark.parametrize(("seeds", "shown"), [(2, each), (5, each_and_median)])
def test_figure_3_shows_the_runs_the_best_accuracy_and_the_published_curves(seeds, shown):
    data = toy.runs([1, 4], seeds)
    figure = tuples.draw(data, toy.image_ceiling(), PUBLISHED)
    above, above_4, below, below_4 = figure.axes
    for panel, variable, k in (
        (above, "accuracy", 1),
        (above_4, "accuracy", 4),
        (below, "image_accuracy", 1),
        (below_4, "image_accuracy", 4),
    ):
        for approach, color in COLOR.items():
            same(lines(panel, color), shown(data[variable].sel(approach=approach, tuple_length=k)))
    found = [levels(panel, plotting.GREEN) for panel in figure.axes]
    assert found == [[0.96], [], [0.95], [0.95]]
    assert [line[0, 1] for line in lines(above, "0.6")] == [0.5]
    dashed = [
        line for panel in (above, above_4) for line in panel.lines if line.get_color() == plotting.BLACK
    ]
    assert [line.get_xydata().tolist() for line in dashed] == [[[0, 0.3], [80, 0.9]], [[0, 0.2], [40, 0.7]]]
    assert [panel.get_title() for panel in figure.axes[:2]] == [
        f"k = {k} ({seeds} runs each)" for k in (1, 4)
    ]
    assert above.get_ylabel() == "the accuracy"
    names = ["end-to-end", "published", "decomposition", "best possible"]
    assert legend(figure.legends[0]) == names
    assert [colors(above)[name] for name in names] == [
        plotting.VERMILION,
        plotting.BLACK,
        plotting.BLUE,
        plotting.GREEN,
    ]


def test_variants():
    pairs, long = (toy.runs([k], seeds, ["end_to_end"]) for k, seeds in ((2, 3), (3, 1)))
    longer = toy.runs([4, 5], 2, ["decomposition"])
    options = {
        name: toy.runs([2], seeds, ["decomposition"], draw=seeds, **{name: values})
        for name, seeds, values in (
            ("rasterisation", 3, ["released", "text"]),
            ("training_set", 1, ["fresh", "fixed"]),
            ("initial_scale", 2, ["released", "fan_in"]),
        )
    }
    figure = tuple_variants.draw(pairs, long, longer, *options.values(), toy.image_ceiling())
    every, one, more, variants = figure.axes
    for panel, data in ((every, pairs), (one, long)):
        same(lines(panel, plotting.VERMILION), each(data["accuracy"][0, 0]))
    assert [levels(panel, plotting.GREEN) for panel in (every, one)] == [[0.91], []]
    for k, color, best in ((4, plotting.BLUE, []), (5, plotting.PURPLE, [0.86])):
        same(lines(more, color), each_and_median(longer["accuracy"].sel(tuple_length=k)[0]))
        assert (levels(more, color), colors(more)[f"k = {k}"]) == (best, color)
    shown = [
        ("released", options["rasterisation"].sel(rasterisation="released")),
        ("pixels as\nin the text", options["rasterisation"].sel(rasterisation="text")),
        ("fixed\ntraining set", options["training_set"].sel(training_set="fixed")),
        ("fan-in\nscale", options["initial_scale"].sel(initial_scale="fan_in")),
    ]
    dots = lines(variants, plotting.BLUE, "None")
    for place, (found, (_, data)) in enumerate(zip(dots, shown, strict=True)):
        same(found[:, 1], data["accuracy"][0, 0].sel(step=[30, 40]).mean("step"))
        assert found[:, 0].mean() == pytest.approx(place)
    assert [text.get_text() for text in variants.get_xticklabels()] == [tick for tick, _ in shown]
    assert [panel.get_title() for panel in figure.axes] == [
        "End-to-end, k = 2: every seed",
        "End-to-end, k = 3: a longer run",
        "Decomposition, longer tuples",
        "Decomposition, k = 2: last quarter of each run",
    ]


HEIGHTS = {"decomposition": [8.0, 7.0, 6.0, 5.0], "end_to_end": [9.0, 0.3, 0.2, 0.1]}
LOOKS = {"end_to_end": ("s", 0.12), "decomposition": ("o", -0.12)}


def snr_panels():
    return snr.draw(toy.snr(), {"snr": {"relative_height": HEIGHTS}}).axes


def ends(container):
    """The lower and the upper end of each bar."""
    return [segment[:, 1] for segment in container[2][0].get_segments()]


def test_figure_4_shows_the_plug_in_estimate_and_the_published_heights_at_one_scale():
    data, (plug_in, _) = toy.snr(), snr_panels()
    decomposition = data["snr"].sel(estimator="recombined", approach="decomposition").values
    scale = np.exp(np.log(decomposition).mean() - np.log(HEIGHTS["decomposition"]).mean())
    for approach, (marker, place) in LOOKS.items():
        found = markers(plug_in, marker, COLOR[approach])
        same(found[:, 1], np.log(data["plug_in_over_floor"].sel(approach=approach).values.ravel() / 100))
        same(found[:, 0].reshape(2, 3).mean(axis=1), [1 + place, 2 + place])
        heights = np.log(scale * np.array(HEIGHTS[approach]))
        same(markers(plug_in, marker, plotting.BLACK), points(np.arange(1, 5) + place, heights))
    assert lines(plug_in, "0.5", "--")[0][0, 1] == pytest.approx(np.log(1 / 100))
    at_most = markers(plug_in, "v", plotting.VERMILION)
    same(at_most[~np.isnan(at_most[:, 1])], [(2.3, np.log(statistics.mean([-2e-3, 1e-3, 4e-3]).high))])
    names = ["end-to-end", "decomposition", "end-to-end, without bias: at most", "published"]
    assert legend(plug_in.get_legend()) == names
    assert [colors(plug_in)[name] for name in names[:2]] == [plotting.VERMILION, plotting.BLUE]
    (published,) = (line for line in plug_in.lines if line.get_label() == "published")
    assert (published.get_marker(), plug_in.get_xlim()) == ("o", (0.5, 2.5))
    assert plug_in.get_title() == "As published: plug-in estimate"


def test_figure_4_shows_the_recombined_intervals_their_means_and_what_may_be_0():
    data, (_, unbiased) = toy.snr().sel(estimator="recombined"), snr_panels()
    for intervals, (approach, (marker, place)) in zip(unbiased.containers, LOOKS.items(), strict=True):
        cells = data.sel(approach=approach).transpose("tuple_length", "seed")
        value, low, high = (cells[f"snr{end}"].values for end in ("", "_lower_limit", "_upper_limit"))
        at, seen = np.array([1 + place, 2 + place]), low > 0
        assert np.argwhere(~seen).tolist() == ([[1, 0], [1, 1]] if approach == "end_to_end" else [])
        x = np.add.outer(at, [-0.1, 0, 0.1])
        same(intervals[0].get_xydata(), points(x[seen], np.log(value[seen])))
        same(ends(intervals), np.log(points(low[seen], high[seen])))
        assert intervals[0].get_color() == COLOR[approach]
        same(markers(unbiased, "v", COLOR[approach]), points(x[~seen], np.log(high[~seen])))
        same(lines(unbiased, COLOR[approach]), [points(at, np.log(value).mean(1))])
        same(markers(unbiased, marker, COLOR[approach])[-2:], points(at, np.log(value).mean(1)))
    assert lines(unbiased, "0.5", "--")[0][0, 1] == pytest.approx(np.log(1 / 100))
    assert lines(unbiased, plotting.GREEN, "--")[0][0, 1] == pytest.approx(-48 * np.log(2))
    assert unbiased.get_title() == "Without its bias: recombined tuples"
    assert legend(unbiased.get_legend()) == ["end-to-end", "decomposition"]


def test_theorem_3():
    data = toy.gaussian_tuples()
    left, right = gaussian_tuples.draw(data).axes
    for k, color in ((1, plotting.BLUE), (2, plotting.VERMILION)):
        at = data.sel(tuple_length=k)
        best, product = (
            points(at["dim"], at["variance"].sel(predictor=name)) for name in ("best", "product")
        )
        same(lines(left, color), [best, product])
        same(lines(left, color, "--"), [points(at["dim"], at["bound"])])
        assert colors(left)[f"k = {k}"] == color
    one, two = left.containers
    same(one[0].get_xydata(), [(10, 1.0)])
    same(ends(one), [(0.5, 1.7)])
    same(two[0].get_xydata(), [(10, 1.2), (30, 1.3)])
    same(ends(two), [(0.9, 1.4), (1.0, 1.9)])
    same(markers(left, "v", plotting.BLUE), [(30, 2.5)])
    last, named = data.sel(dim=30), {line.get_label(): line.get_xydata() for line in right.lines}
    same(named["bound, constant 1"], points([1, 2], last["bound"]))
    same(named["largest second moment"], points([1, 2], last["second_moment"]))
    same(named["largest variance"], points([1, 2], last["variance"].sel(predictor="best")))
    same(named["product of scores"], points([1, 2], last["variance"].sel(predictor="product")))
    assert right.get_title() == "By length, d = 30"
