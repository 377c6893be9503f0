"""Beyond figure 3: how often pairs are learnt end-to-end, a longer run, longer tuples, and the options."""

from collections.abc import Mapping

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.problems.tuples.figures.tuples import draw_ceiling
from gradient_failures.results import plotting, statistics
from gradient_failures.results.runs import completed

VARIANTS = [
    ("rasterisation", "released", "released"),
    ("rasterisation", "text", "pixels as\nin the text"),
    ("training_set", "fixed", "fixed\ntraining set"),
    ("initial_scale", "fan_in", "fan-in\nscale"),
]
"""Option, value and tick of each variant; the released setting is shown once."""


def draw(
    tuples_pairs: xr.Dataset,
    tuples_long: xr.Dataset,
    tuples_longer: xr.Dataset,
    tuples_rasterisation: xr.Dataset,
    tuples_training_set: xr.Dataset,
    tuples_initial_scale: xr.Dataset,
    image_ceiling: xr.Dataset,
) -> Figure:
    """Four panels of accuracy on fresh tuples.

    Parameters
    ----------
    tuples_pairs, tuples_long, tuples_longer : ``accuracy`` (approach, tuple_length, seed, step).
    tuples_rasterisation, tuples_training_set, tuples_initial_scale : the same with the axis of that name.
    image_ceiling : best ``tuple_accuracy`` (rasterisation, tuple_length).
    """
    figure, panels = plotting.panels(4.2, 2, 2, sharey=True)
    pairs, long, longer, options = panels.flat
    _draw_end_to_end(pairs, tuples_pairs, image_ceiling, "every seed")
    _draw_end_to_end(long, tuples_long, image_ceiling, "a longer run")
    _draw_longer(longer, tuples_longer, image_ceiling)
    grids = {
        "rasterisation": tuples_rasterisation,
        "training_set": tuples_training_set,
        "initial_scale": tuples_initial_scale,
    }
    _draw_options(options, grids)
    pairs.set_ylim(0.43, 1.0)
    for panel in (pairs, longer):
        panel.set_ylabel(plotting.axis_label(tuples_pairs["accuracy"]))
    for panel in panels.flat:
        plotting.draw_chance(panel)
    for panel, grid in ((pairs, tuples_pairs), (long, tuples_long), (longer, tuples_longer)):
        plotting.thousands(panel)
        plotting.describe(panel, x=grid["step"], xlim=(0, int(completed(grid)["step"][-1])))
    return figure


def _draw_end_to_end(axes: Axes, runs: xr.Dataset, image_ceiling: xr.Dataset, title: str) -> None:
    accuracy = completed(runs)["accuracy"].squeeze(["approach", "tuple_length"])
    k = int(accuracy["tuple_length"])
    plotting.draw_each_run(axes, accuracy, plotting.VERMILION, "end-to-end")
    draw_ceiling(axes, image_ceiling, k, plotting.GREEN)
    axes.set_title(f"End-to-end, k = {k}: {title}")


def _draw_longer(axes: Axes, longer: xr.Dataset, image_ceiling: xr.Dataset) -> None:
    accuracy = completed(longer)["accuracy"].squeeze("approach")
    colors = (plotting.BLUE, plotting.PURPLE, plotting.SKY, plotting.ORANGE)
    for k, color in zip(accuracy["tuple_length"].values, colors, strict=False):
        plotting.draw_runs(axes, accuracy.sel(tuple_length=k), color, f"k = {k}")
        draw_ceiling(axes, image_ceiling, k, color)
    plotting.describe(axes, "Decomposition, longer tuples", legend="upper left")


def _draw_options(axes: Axes, grids: Mapping[str, xr.Dataset]) -> None:
    for place, (option, value, _) in enumerate(VARIANTS):
        accuracy = completed(grids[option])["accuracy"].squeeze(["approach", "tuple_length"])
        late = statistics.late_mean(accuracy.sel({option: [value]}))
        plotting.draw_points(axes, late, ("", plotting.BLUE, "o"), at=[place], width=0.24)
    axes.set_xticks(range(len(VARIANTS)), [tick for *_, tick in VARIANTS])
    title = f"Decomposition, k = {int(accuracy['tuple_length'])}: last quarter of each run"
    axes.set(title=title, xlim=(-0.5, len(VARIANTS) - 0.5))
