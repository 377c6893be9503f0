"""Figure 5 (6 extended): curves as each method decodes them, and the errors against training steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures import plotting

TITLE = "Figure 5 (6 extended): encoding piecewise-linear curves"

STYLES = {
    "linear": ("linear", plotting.VERMILION, "o"),
    "convolutional": ("convolutional", plotting.BLUE, "s"),
    "preconditioned": ("preconditioned", plotting.GREEN, "^"),
    "autoencoder": ("autoencoder", plotting.PURPLE, "D"),
}
"""Label, colour and marker of each row of the figure."""

OPTIMISERS = {
    "linear": ("linear, Adam", plotting.VERMILION, "-"),
    "linear_adagrad": ("linear, Adagrad", plotting.VERMILION, (0, (3, 1))),
    "linear_sgd": ("linear, SGD", plotting.VERMILION, (0, (1, 1))),
    "preconditioned": ("preconditioned, Adam", plotting.GREEN, "-"),
    "preconditioned_sgd": ("preconditioned, SGD", plotting.GREEN, (0, (1, 1))),
}
"""Label, colour and line of each optimiser of the two problems it is compared on."""

STEPS = [500, 10_000, 50_000]
"""Steps of the published errors."""

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


def draw(curves: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """Decoded example curves, one row for each method and one column for each snapshot; below, the errors.

    Parameters
    ----------
    curves : ``example_curve`` (method, seed, example, x), ``decoded_example`` (method, seed, snapshot,
        example, x), ``decode_error`` and ``kink_error`` (method, seed, step).
    published : the content of ``config/published.yaml``.
    """
    snapshots = curves["snapshot"].values
    figure = Figure(figsize=(7.2, 7.6))
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[4.7, 2.9]).flat
    panels = upper.subplots(len(STYLES), len(snapshots), sharex=True, sharey=True, squeeze=False)
    for row, (method, (label, color, _)) in zip(panels, STYLES.items(), strict=True):
        for panel, snapshot in zip(row, snapshots, strict=True):
            _draw_examples(panel, curves.sel({"method": method, "snapshot": snapshot}), color)
        row[0].set_ylabel(label)
    for panel, snapshot in zip(panels[0], snapshots, strict=True):
        panel.set_title(f"after {snapshot:_} steps".replace("_", "\u202f"))
    upper.supxlabel(plotting.axis_label(curves["x"]), fontsize=8)

    by_method, by_optimiser = lower.subplots(1, 2)
    _draw_methods(by_method, curves["decode_error"], published["figure_6"]["normalised_rms_error"])
    _draw_optimisers(by_optimiser, curves["kink_error"])
    return figure


def _draw_examples(axes: Axes, curves: xr.Dataset, color: str) -> None:
    """Both example curves, and how the runs of one method decode them: the first thick, the others thin."""
    decoded, x = curves["decoded_example"], curves["x"]
    for example in curves["example"]:
        axes.plot(x, curves["example_curve"].isel(seed=0).sel(example=example), color="0.75", linewidth=2.6)
        runs = decoded.sel(example=example).transpose("x", "seed")
        axes.plot(x, runs[:, 1:], color=color, rasterized=True, **plotting.RUN)
        axes.plot(x, runs[:, 0], color=color, linewidth=1)
    height = float(abs(curves["example_curve"]).max())
    axes.set_ylim(-1.2 * height, 1.2 * height)


def _draw_methods(axes: Axes, error: xr.DataArray, published: Mapping[str, Any]) -> None:
    for method, (label, color, marker) in STYLES.items():
        _draw_errors(axes, error.sel({"method": method}), color, label, "-")
        for curve in published[method].values():
            _draw_published(axes, curve, int(error["step"].max()), color, marker)
    axes.plot([], [], **PUBLISHED, marker="o", color="none", label="published")
    axes.set_title("Methods")
    _finish(axes, error)


def _draw_published(axes: Axes, curve: Sequence[float], last: int, color: str, marker: str) -> None:
    shown = [(step, max(error, RESOLUTION)) for step, error in zip(STEPS, curve, strict=True) if step <= last]
    axes.plot(*zip(*shown, strict=True), **PUBLISHED, marker=marker, color=color)


def _draw_optimisers(axes: Axes, error: xr.DataArray) -> None:
    for method, (label, color, line) in OPTIMISERS.items():
        _draw_errors(axes, error.sel({"method": method}), color, label, line)
    axes.set_title("Optimisers")
    _finish(axes, error)


def _draw_errors(axes: Axes, error: xr.DataArray, color: str, label: str, line: Any) -> None:
    """Every run of ``error`` (seed, step) thin, their median thick, at evaluations even on a log axis."""
    shown = np.geomspace(1, error.sizes["step"] - 1, POINTS).round().astype(int)
    trained = error.isel(step=np.unique(shown))
    steps = trained["step"]
    axes.plot(steps, trained.transpose("step", "seed"), color=color, rasterized=True, **plotting.RUN)
    axes.plot(steps, trained.median("seed"), color=color, label=label, linestyle=line, linewidth=1.4)


def _finish(axes: Axes, error: xr.DataArray) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel(plotting.axis_label(error["step"]))
    axes.set_ylabel(plotting.axis_label(error))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
