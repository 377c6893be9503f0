"""Flat activations (figure 7 extended): output and label of four methods, and the error of every run."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting
from gradient_failures.results.runs import LAST_STEP, completed

STYLES = {
    "non_flat_approximation": ("non-flat approximation", plotting.VERMILION, "s"),
    "end_to_end": ("end-to-end", plotting.ORANGE, "^"),
    "multiclass": ("multiclass", plotting.PURPLE, "D"),
    "forward_only": ("forward-only", plotting.BLUE, "o"),
}
"""Name, colour and marker of each method."""

SHOWN_SEED = 0
"""The run that the upper panels show, chosen before any was trained."""

ZOOM = 0.01
"""Half the width of the panel on the boundary at r = b*, where the most samples are."""

LEARNT = 0.11
"""Error below which a run counts as one that learns: see the claim flat-activations-approximation-fails."""

ERROR = "normalised_rms_error"


def draw(flat_activations: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """Output and label against r for one run of each method; below, the final errors of all runs.

    Parameters
    ----------
    flat_activations : ``pre_activation``, ``label``, ``output`` and ``approximation`` (approach, seed,
        sample), ``normalised_rms_error`` and ``training_cost`` (approach, seed, step), ``target_bias``
        (approach, seed), and the coordinate ``level``.
    published : ``normalised_rms_error`` by approach.
    """
    figure, (upper, lower) = plotting.parts(4.2, 2.4)
    *panels, key = upper.subplots(2, 3).flat
    shown = ["non_flat_approximation", "end_to_end", "multiclass", "multiclass", "forward_only"]
    for panel, approach in zip(panels, shown, strict=True):
        _draw_run(panel, flat_activations, approach)
    bias = float(flat_activations["target_bias"].sel(approach="multiclass", seed=SHOWN_SEED))
    panels[3].set(title="Multiclass, one boundary", xlim=(bias - ZOOM, bias + ZOOM))
    panels[3].set_ylim(bias - 0.25, bias + 0.15)
    panels[3].locator_params("x", nbins=3)
    _draw_legend(key, panels[0])
    upper.supxlabel(plotting.axis_label(flat_activations["pre_activation"]))
    upper.supylabel("label and output")
    errors, biases = lower.subplots(1, 2)
    _draw_errors(errors, flat_activations, published[ERROR])
    _draw_biases(biases, flat_activations.sel(approach="non_flat_approximation"))
    return figure


def _draw_run(axes: Axes, data: xr.Dataset, approach: str) -> None:
    """Label and output of the shown run of ``approach`` against r."""
    run = data.sel(approach=approach, seed=SHOWN_SEED)
    r = run["pre_activation"]
    name, color, _ = STYLES[approach]
    axes.plot(r, run["label"], color="0.65", linewidth=2.5, drawstyle="steps-post")
    axes.plot(r, run["output"], ".", color=color, markersize=2, rasterized=True)
    if approach == "non_flat_approximation":
        axes.plot(r, run["approximation"], color=plotting.BLACK, linewidth=0.8, linestyle="--")
    axes.text(0.98, 0.05, f"{int(run[LAST_STEP])} steps", ha="right", transform=axes.transAxes)
    axes.set_title(f"{name[0].upper()}{name[1:]}")


def _draw_legend(axes: Axes, shown: Axes) -> None:
    """Say what the lines of the panels are, in a panel of its own."""
    axes.set_axis_off()
    names = ["label u(r)", "output (colour of the method)", "smooth ũ at the true r"]
    title = f"Seed {SHOWN_SEED}, held-out samples"
    axes.legend(shown.lines, names, loc="center left", title=title, markerscale=4, alignment="left")


def _draw_errors(axes: Axes, data: xr.Dataset, published: Mapping[str, Any]) -> None:
    """Final error of every run by method, with the published one and the cost of training."""
    ticks = []
    for position, (approach, (name, color, marker)) in enumerate(STYLES.items()):
        runs = completed(data.sel(approach=approach)).isel(step=-1)
        plotting.draw_points(axes, runs[ERROR].expand_dims("approach"), ("", color, marker), [position], 0.5)
        label = "published" if position == 0 else None
        axes.plot(position, published[approach], "_k", markersize=22, label=label)
        first, _, rest = name.partition(" ")
        ticks.append(f"{first}\n{rest}\n{float(runs['training_cost'].mean()) / 1e9:.3g}")
    axes.set_xticks(range(len(ticks)), ticks)
    title, x = f"Final error, {data.sizes['seed']} runs each", "method, and 10⁹ multiply-adds of training"
    plotting.describe(axes, title, x, data[ERROR], legend="lower left", yscale="log")


def _draw_biases(axes: Axes, runs: xr.Dataset) -> None:
    """Final error of the approximation against where the predictor starts on the levels."""
    error = completed(runs)[ERROR].isel(step=-1)
    start = -runs["target_bias"]
    for label, color, marker, shown in [
        ("learns", plotting.BLUE, "o", error <= LEARNT),
        ("fails", plotting.VERMILION, "s", ~(error <= LEARNT)),
    ]:
        label = f"{label}: {int(shown.sum())}"
        axes.plot(start[shown], error[shown], marker, color=color, label=label)
    reach = float(abs(start).max()) + 0.2
    levels = runs["level"].values
    for level in levels[abs(levels) < reach]:
        axes.axvline(level, color="0.8", linewidth=0.6, zorder=0)
    axes.axhline(LEARNT, color="0.5", linewidth=0.6, linestyle=":")
    title, x = "Non-flat approximation by initial bias", "initial bias 0 less b* (lines: levels)"
    plotting.describe(axes, title, x, legend="best", yscale="log", xlim=(-reach, reach))
