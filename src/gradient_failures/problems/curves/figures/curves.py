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

ADAM, ADAGRAD, SGD = "-", (0, (3, 1)), (0, (1, 1))
"""Line of each optimiser."""

RESOLUTION = 1e-4
"""Published errors are rounded to four decimals; those of 0 are drawn here."""

POINTS = 120
"""Evaluations drawn of each run."""

PUBLISHED: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 4,
    "markeredgecolor": plotting.BLACK,
    "zorder": 3,
}


def draw(
    curves: xr.Dataset,
    curves_linear_sgd: xr.Dataset,
    curves_linear_adagrad: xr.Dataset,
    curves_preconditioned_sgd: xr.Dataset,
    published: Mapping[str, Any],
) -> Figure:
    """Decoded examples, one row for each approach and one column for each snapshot; below, the errors."""
    snapshots = curves["snapshot"].values
    figure = Figure(figsize=(7.2, 7.6))
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[4.7, 2.9]).flat
    panels = upper.subplots(len(STYLES), len(snapshots), sharex=True, sharey=True, squeeze=False)
    for row, (approach, (color, _)) in zip(panels, STYLES.items(), strict=True):
        for panel, snapshot in zip(row, snapshots, strict=True):
            _draw_examples(panel, curves.sel(approach=approach, snapshot=snapshot), color)
        row[0].set_ylabel(approach)
    for panel, snapshot in zip(panels[0], snapshots, strict=True):
        panel.set_title(f"after {snapshot:_} steps".replace("_", "\u202f"))
    upper.supxlabel(plotting.axis_label(curves["x"]), fontsize=8)

    by_approach, by_optimiser = lower.subplots(1, 2)
    _draw_approaches(by_approach, curves["decode_error"], published["normalised_rms_error"])
    for data, approach, optimiser, line in [
        (curves, "linear", "Adam", ADAM),
        (curves_linear_adagrad, "linear", "Adagrad", ADAGRAD),
        (curves_linear_sgd, "linear", "SGD", SGD),
        (curves, "preconditioned", "Adam", ADAM),
        (curves_preconditioned_sgd, "preconditioned", "SGD", SGD),
    ]:
        errors, (color, _) = data["kink_error"].sel(approach=approach), STYLES[approach]
        _draw_errors(by_optimiser, errors, color, f"{approach}, {optimiser}", line)
    _finish(by_optimiser, "Optimisers", curves["kink_error"])
    return figure


def _draw_examples(axes: Axes, curves: xr.Dataset, color: str) -> None:
    """Both example curves, and how the runs of one approach decode them: the first thick, the others thin."""
    decoded, x = curves["decoded_example"], curves["x"]
    for example in curves["example"]:
        axes.plot(x, curves["example_curve"].isel(seed=0).sel(example=example), color="0.75", linewidth=2.6)
        runs = decoded.sel(example=example).transpose("x", "seed")
        axes.plot(x, runs[:, 1:], color=color, rasterized=True, **plotting.RUN)
        axes.plot(x, runs[:, 0], color=color, linewidth=1)
    height = float(abs(curves["example_curve"]).max())
    axes.set_ylim(-1.2 * height, 1.2 * height)


def _draw_approaches(axes: Axes, error: xr.DataArray, published: Mapping[str, Any]) -> None:
    last = int(error["step"].max())
    for approach, (color, marker) in STYLES.items():
        _draw_errors(axes, error.sel(approach=approach), color, approach, ADAM)
        for curve in published[approach].values():
            at = zip(published["steps"], curve, strict=True)
            shown = [(step, max(value, RESOLUTION)) for step, value in at if step <= last]
            axes.plot(*zip(*shown, strict=True), **PUBLISHED, marker=marker, color=color)
    axes.plot([], [], **PUBLISHED, marker="o", color="none", label="published")
    _finish(axes, "Approaches", error)


def _draw_errors(axes: Axes, error: xr.DataArray, color: str, label: str, line: Any) -> None:
    """Every run of ``error`` (seed, step) thin, their median thick, at evaluations even on a log axis."""
    shown = np.geomspace(1, error.sizes["step"] - 1, POINTS).round().astype(int)
    trained = error.isel(step=np.unique(shown))
    steps = trained["step"]
    axes.plot(steps, trained.transpose("step", "seed"), color=color, rasterized=True, **plotting.RUN)
    axes.plot(steps, trained.median("seed"), color=color, label=label, linestyle=line, linewidth=1.4)


def _finish(axes: Axes, title: str, error: xr.DataArray) -> None:
    axes.set(xscale="log", yscale="log", title=title)
    axes.set_xlabel(plotting.axis_label(error["step"]))
    axes.set_ylabel(plotting.axis_label(error))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
