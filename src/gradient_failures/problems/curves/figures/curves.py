"""Figure 5 (6 extended): curves as each approach decodes them, and the errors against training steps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

STYLES = {
    "linear": (plotting.VERMILION, "o"),
    "convolutional": (plotting.BLUE, "s"),
    "preconditioned": (plotting.GREEN, "^"),
    "autoencoder": (plotting.PURPLE, "D"),
}
"""Colour and marker of each row of the figure."""

OPTIMISERS = {"Adam": "-", "Adagrad": (0, (3, 1)), "SGD": (0, (1, 1))}
"""Line of each optimiser."""

RESOLUTION = 1e-4
"""Published errors are rounded to four decimals; those of 0 are drawn here."""

POINTS = 120
"""Evaluations drawn of each run."""


def draw(
    curves: xr.Dataset,
    curves_linear_sgd: xr.Dataset,
    curves_linear_adagrad: xr.Dataset,
    curves_preconditioned_sgd: xr.Dataset,
    published: Mapping[str, Any],
) -> Figure:
    """Decoded examples, one row for each approach and one column for each snapshot; below, the errors."""
    snapshots = curves["snapshot"].values
    figure, (upper, lower) = plotting.parts(4.7, 2.9)
    panels = upper.subplots(len(STYLES), len(snapshots), sharex=True, sharey=True, squeeze=False)
    for row, (approach, (color, _)) in zip(panels, STYLES.items(), strict=True):
        for panel, snapshot in zip(row, snapshots, strict=True):
            _draw_examples(panel, curves.sel(approach=approach, snapshot=snapshot), color)
        row[0].set_ylabel(approach)
    for panel, snapshot in zip(panels[0], snapshots, strict=True):
        panel.set_title(f"after {snapshot:_} steps".replace("_", "\u202f"))
    upper.supxlabel(plotting.axis_label(curves["x"]))

    by_approach, by_optimiser = lower.subplots(1, 2)
    _draw_approaches(by_approach, curves["decode_error"], published["normalised_rms_error"])
    for data, approach, optimiser in [
        (curves, "linear", "Adam"),
        (curves_linear_adagrad, "linear", "Adagrad"),
        (curves_linear_sgd, "linear", "SGD"),
        (curves, "preconditioned", "Adam"),
        (curves_preconditioned_sgd, "preconditioned", "SGD"),
    ]:
        errors = data["kink_error"].sel(approach=approach)
        _draw_errors(by_optimiser, errors, f"{approach}, {optimiser}", OPTIMISERS[optimiser])
    for axes, title, error in (
        (by_approach, "Approaches", curves["decode_error"]),
        (by_optimiser, "Optimisers", curves["kink_error"]),
    ):
        plotting.describe(axes, title, error["step"], error, xscale="log", yscale="log")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure


def _draw_examples(axes: Axes, curves: xr.Dataset, color: str) -> None:
    """Both example curves, and how the runs of one approach decode them: the first thick, the others thin."""
    decoded, x = curves["decoded_example"], curves["x"]
    for example in curves["example"]:
        axes.plot(x, curves["example_curve"].isel(seed=0).sel(example=example), color="0.75", linewidth=2.6)
        runs = decoded.sel(example=example).transpose("x", "seed")
        axes.plot(x, runs[:, 1:], color=color, rasterized=True, **plotting.RUN)
        axes.plot(x, runs[:, 0], color=color, linewidth=1)
    height = 1.2 * float(abs(curves["example_curve"]).max())
    axes.set_ylim(-height, height)


def _draw_approaches(axes: Axes, error: xr.DataArray, published: Mapping[str, Any]) -> None:
    """The errors of each approach, with the published ones up to the last step."""
    steps = np.array(published["steps"])
    shown = steps <= int(error["step"].max())
    for approach, (color, marker) in STYLES.items():
        _draw_errors(axes, error.sel(approach=approach), approach, OPTIMISERS["Adam"])
        for curve in published[approach].values():
            values = np.maximum(curve, RESOLUTION)
            axes.plot(steps[shown], values[shown], color=color, marker=marker, **plotting.PUBLISHED_DOT)
    axes.plot([], [], color="none", marker="o", label="published", **plotting.PUBLISHED_DOT)


def _draw_errors(axes: Axes, error: xr.DataArray, label: str, line: Any) -> None:
    """The runs of ``error`` (seed, step), at evaluations even on a log axis."""
    color, _ = STYLES[str(error["approach"].values)]
    shown = np.geomspace(1, error.sizes["step"] - 1, POINTS).round().astype(int)
    plotting.draw_runs(axes, error.isel(step=np.unique(shown)), color, label, linestyle=line)
