"""The generic figure of a grid, read off its artists."""

import numpy as np
import pytest

from gradient_failures.results.dataset import labelled
from gradient_failures.results.grid_figure import PANELS, draw
from gradient_failures.results.plotting import COLORS

STEPS = [0, 10, 20]


def runs(axes, seeds=2, metrics=("accuracy", "loss", "other")):
    """A grid whose every value is different; its runs end at step 20."""
    dims = (*axes, "seed", "step")
    shape = [*map(len, axes.values()), seeds, len(STEPS)]
    values = 1 + np.arange(np.prod(shape), dtype=float).reshape(shape)
    variables = {name: (dims, values * 10**at, name) for at, name in enumerate(metrics)}
    ends = np.full(shape[:-1], STEPS[-1])
    variables |= {"diverged_at_step": (dims[:-1], ends * np.nan, "d"), "last_step": (dims[:-1], ends, "l")}
    variables["weights"] = ((*dims[:-1], "tap"), np.zeros([*shape[:-1], 3]), "weights")
    coordinates = {axis: (list(labels), f"the {axis}") for axis, labels in axes.items()}
    own = {"seed": range(seeds), "step": STEPS, "tap": range(3)}
    coordinates |= {dim: (list(labels), f"the {dim}") for dim, labels in own.items()}
    return labelled(variables, coordinates)


def lines(panel):
    """Data of the lines of ``panel`` by colour, in the order in which they were drawn."""
    found = {}
    for line in panel.lines:
        found.setdefault(line.get_color(), []).append((list(line.get_xdata()), list(line.get_ydata())))
    return found


def final_values(panel):
    """Points of ``panel`` by colour."""
    return {line.get_color(): set(zip(*line.get_data(), strict=True)) for line in panel.lines}


def test_each_run_has_a_line_in_the_colour_of_its_last_axis_and_the_panel_of_the_others():
    grid = runs({"dim": [5, 30], "width": [1.0, 2.0, 4.0]})
    panels = draw(grid).axes
    assert [panel.get_title() for panel in panels] == ["dim 5", "dim 30"] * 2 + ["", ""]
    labels = ["accuracy", "", "loss", "", "final accuracy", "final loss"]
    assert [panel.get_ylabel() for panel in panels] == labels
    shown = [grid[name].sel(dim=dim) for name in ("accuracy", "loss") for dim in (5, 30)]
    for panel, metric in zip(panels[:4], shown, strict=True):
        assert panel.get_xlabel() == "the step"
        assert lines(panel) == {
            color: [(STEPS, run.values.tolist()) for run in metric.sel(width=width)]
            for color, width in zip(COLORS, [1.0, 2.0, 4.0], strict=False)
        }


def test_the_legend_names_the_values_of_the_last_axis():
    (legend, _) = (part.legends[0] for part in draw(runs({"dim": [5], "width": [1.0, 2.5]})).subfigs[:2])
    assert legend.get_title().get_text() == "width"
    assert [text.get_text() for text in legend.get_texts()] == ["1", "2.5"]
    assert [line.get_color() for line in legend.get_lines()] == COLORS[:2]


def test_many_seeds_have_a_median_and_a_band():
    grid = runs({"width": [1.0, 2.0]}, seeds=5, metrics=["accuracy"])
    panel, _ = draw(grid).axes
    for color, width in zip(COLORS, [1.0, 2.0], strict=False):
        seen = grid["accuracy"].sel(width=width)
        *each, median = lines(panel)[color]
        assert [y for _, y in each] == seen.values.tolist()
        assert median == (STEPS, seen.median("seed").values.tolist())
    band = panel.collections[0].get_paths()[0].get_extents()
    quartiles = grid["accuracy"].sel(width=1.0).quantile([0.25, 0.75], "seed")
    assert (band.ymin, band.ymax) == (quartiles[0].min(), quartiles[1].max())


def test_final_values_are_drawn_against_the_axis_with_most_values():
    grid = runs({"size": [3, 5, 9], "approach": ["one", "other"]}, metrics=["accuracy"])
    panel = draw(grid).axes[-1]
    assert panel.get_xlabel() == "the size"
    final = grid["accuracy"].isel(step=-1)
    assert final_values(panel) == {
        color: {(size, value) for size in (3, 5, 9) for value in final.sel(size=size, approach=name).values}
        for color, name in zip(COLORS, ["one", "other"], strict=False)
    }


def test_the_final_value_of_a_run_is_that_at_its_own_end():
    grid = runs({"approach": ["short", "long"]}, metrics=["accuracy"])
    grid["last_step"].loc["short"] = 10
    grid["accuracy"].loc["short", :, 20] = np.nan
    panel = draw(grid).axes[-1]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["short", "long"]
    ends = [grid["accuracy"].sel(approach="short", step=10), grid["accuracy"].sel(approach="long", step=20)]
    assert final_values(panel) == {
        color: {(at, value) for value in runs.values}
        for at, (color, runs) in enumerate(zip(COLORS, ends, strict=False))
    }


def test_an_axis_with_one_value_takes_no_colour():
    panel, _ = draw(runs({"approach": ["one", "other"], "kind": ["text"]}, metrics=["loss"])).axes
    assert panel.get_title() == "kind text"
    assert set(lines(panel)) == set(COLORS[:2])


def test_of_many_points_some_are_shown_and_many_values_have_colours_of_their_own():
    figure = draw(runs({"dim": range(1, 12), "width": range(9)}, metrics=["loss"]))
    titles = [panel.get_title() for panel in figure.axes[:-1]]
    assert (len(titles), titles[0], titles[-1]) == (PANELS, "dim 1", "dim 11")
    assert len({line.get_color() for line in figure.axes[0].lines if isinstance(line.get_color(), str)}) <= 9
    assert len({tuple(line.get_color()) for line in figure.axes[0].lines}) == 9


def test_a_grid_without_axes_is_drawn():
    grid = runs({}, metrics=["loss"])
    panel, last = draw(grid).axes
    assert lines(panel) == {COLORS[0]: [(STEPS, values) for values in grid["loss"].values.tolist()]}
    assert final_values(last) == {COLORS[0]: {(0, value) for value in grid["loss"].values[:, -1]}}


@pytest.mark.parametrize(("largest", "scale"), [(2.0, "linear"), (1e4, "log")])
def test_values_of_different_orders_of_magnitude_have_a_logarithmic_axis(largest, scale):
    grid = runs({"rate": [1.0, largest]}, metrics=["loss"])
    grid["loss"].loc[largest] *= largest
    panel, last = draw(grid).axes
    assert (panel.get_yscale(), last.get_yscale(), last.get_xscale()) == (scale,) * 3
