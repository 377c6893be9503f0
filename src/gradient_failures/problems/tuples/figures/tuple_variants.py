"""Beyond figure 3: how often pairs are learnt end-to-end, a longer run, longer tuples, and the options."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.problems.tuples.figures.tuples import draw_ceiling
from gradient_failures.results import plotting, statistics
from gradient_failures.results.runs import completed

OPTIONS = {
    "rasterisation": {"released": "released", "text": "pixels as\nin the text"},
    "training_set": {"fixed": "fixed\ntraining set"},
    "initial_scale": {"fan_in": "fan-in\nscale"},
}
"""Ticks of the variants by option and value; the released setting is shown once."""


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
    figure = Figure(figsize=(7.2, 4.2))
    panels = figure.subplots(2, 2, sharey=True)
    for panel, runs, name in zip(
        panels[0], (tuples_pairs, tuples_long), ("every seed", "a longer run"), strict=True
    ):
        (k,) = runs["tuple_length"].values
        _draw_every_run(panel, completed(runs).squeeze(["approach", "tuple_length"]))
        draw_ceiling(panel, image_ceiling, k, plotting.GREEN)
        panel.set_title(f"End-to-end, k = {k}: {name}")
        panel.set_xlabel(plotting.axis_label(runs["step"]))
    _draw_longer(panels[1, 0], tuples_longer, image_ceiling)
    variants = {
        "rasterisation": tuples_rasterisation,
        "training_set": tuples_training_set,
        "initial_scale": tuples_initial_scale,
    }
    _draw_options(panels[1, 1], variants)
    panels[0, 0].set_ylim(0.43, 1.0)
    for panel in panels[:, 0]:
        panel.set_ylabel(plotting.axis_label(tuples_pairs["accuracy"]))
    return figure


def _draw_every_run(axes: Axes, runs: xr.Dataset) -> None:
    for seed in runs["seed"].values:
        axes.plot(
            runs["step"], runs["accuracy"].sel(seed=seed), color=plotting.VERMILION, linewidth=0.7, alpha=0.7
        )
    plotting.draw_chance(axes)
    axes.set_xlim(0, int(runs["step"][-1]))
    plotting.thousands(axes)


def _draw_longer(axes: Axes, longer: xr.Dataset, image_ceiling: xr.Dataset) -> None:
    runs = completed(longer).squeeze("approach")
    colors = (plotting.BLUE, plotting.PURPLE, plotting.SKY, plotting.ORANGE)
    for k, color in zip(runs["tuple_length"].values, colors, strict=False):
        plotting.draw_runs(axes, runs["accuracy"].sel(tuple_length=k), color, f"k = {k}")
        draw_ceiling(axes, image_ceiling, k, color)
    plotting.draw_chance(axes)
    axes.legend(loc="upper left")
    axes.set_xlim(0, int(runs["step"][-1]))
    axes.set_xlabel(plotting.axis_label(longer["step"]))
    axes.set_title("Decomposition, longer tuples")


def _draw_options(axes: Axes, variants: dict[str, xr.Dataset]) -> None:
    ticks: list[str] = []
    for option, values in OPTIONS.items():
        runs = completed(variants[option]).squeeze(["approach", "tuple_length"])
        late = statistics.late_mean(runs["accuracy"])
        for value, tick in values.items():
            spread = np.linspace(-0.12, 0.12, late.sizes["seed"]) if late.sizes["seed"] > 1 else [0.0]
            axes.plot(
                len(ticks) + np.array(spread),
                late.sel({option: value}),
                "o",
                color=plotting.BLUE,
                markersize=4,
                alpha=0.7,
            )
            ticks.append(tick)
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_xlim(-0.5, len(ticks) - 0.5)
    plotting.draw_chance(axes)
    axes.set_title(f"Decomposition, k = {int(runs['tuple_length'])}: last quarter of each run")
