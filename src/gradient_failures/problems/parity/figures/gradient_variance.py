"""Theorem 1: the variance of the gradient across parities, with its bound and the noise it competes with."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting
from gradient_failures.results.plotting import COLORS, MARKERS

LOSSES = {"squared": ("squared loss", plotting.BLUE, "o"), "hinge": ("hinge loss", plotting.VERMILION, "x")}
"""Label, colour and marker of each loss."""

NOISE = {
    "sgd_noise": ("noise of a batch", plotting.GREEN, "-"),
    "run_noise": ("noise of a whole run", plotting.PURPLE, "--"),
    "float32_resolution": ("rounding to float32", plotting.ORANGE, ":"),
}
"""Label, colour and line of what the variance drowns in."""


def draw(gradient_variance: xr.Dataset) -> Figure:
    """Variance against dimension at initial weights, along training and by architecture, and by subset size.

    Parameters
    ----------
    gradient_variance : as the computation of this name measures it.
    """
    figure, panels = plotting.panels(5.6, 2, 2)
    initial, trained, architectures, sizes = panels.flat
    _draw_initial(initial, gradient_variance.isel(architecture=0))
    _draw_training(trained, gradient_variance)
    _draw_architectures(architectures, gradient_variance["variance_over_bound"].sel(loss="hinge"))
    _draw_sizes(sizes, gradient_variance)
    for axes, dim in ((initial, "dim"), (trained, "trained_dim"), (architectures, "dim")):
        largest = int(gradient_variance[dim].max())
        axes.set(xlabel="input dimension d", xticks=np.arange(5, largest + 1, 5))
    for axes in (initial, trained, sizes):
        axes.set_yscale("log", base=2)
    return figure


def _draw_initial(axes: Axes, variances: xr.Dataset) -> None:
    for loss, look in LOSSES.items():
        plotting.draw_points(axes, variances["variance"].sel(loss=loss), look)
    dim = variances["dim"]
    axes.plot(dim, variances["bound"].median("seed"), label="bound G²/2ᵈ", **plotting.THEORY)
    for name, (label, color, line) in NOISE.items():
        axes.plot(dim, variances[name].median("seed"), color=color, linestyle=line, label=label)
    axes.set(title="At initial weights", ylabel="squared norm of a gradient")
    axes.legend(loc=(0.01, 0.16), labelspacing=0.3)


def _draw_training(axes: Axes, variances: xr.Dataset) -> None:
    """The variance for the hinge loss at each checkpoint, with the largest bound of the runs."""
    variance, bound = variances["trained_variance"].sel(loss="hinge"), variances["trained_bound"].max("seed")
    for step, color, marker in zip(variances["step"].values, COLORS, MARKERS, strict=False):
        label = f"{step:,} steps".replace(",", "\u202f")
        plotting.draw_points(axes, variance.sel(step=step), (label, color, marker))
        axes.plot(bound["trained_dim"], bound.sel(step=step), color=color, linewidth=0.9)
    plotting.describe(axes, "Along training, hinge loss", legend="lower left")


def _draw_architectures(axes: Axes, ratio: xr.DataArray) -> None:
    for name, color, marker in zip(ratio["architecture"].values, COLORS, MARKERS, strict=False):
        plotting.draw_points(axes, ratio.sel(architecture=name), (str(name), color, marker))
    axes.axhline(1, **plotting.THEORY)
    axes.axhline(0.25, linestyle="--", **plotting.THEORY)
    axes.set(title="Depth and width, hinge loss", ylabel="variance / bound", ylim=(0, 1.08))
    axes.legend(title=plotting.axis_label(ratio["architecture"]), loc="center", ncols=2)


def _draw_sizes(axes: Axes, variances: xr.Dataset) -> None:
    """The signal of each subset size, whose mean over all targets is about the variance."""
    for loss, look in LOSSES.items():
        plotting.draw_points(axes, variances["signal_by_size"].sel(loss=loss), look)
    largest = int(variances["enumerated_dim"].max())
    mean = variances["enumerated_variance"].sel(enumerated_dim=largest, loss="hinge").isel(step=0)
    axes.axhline(float(mean.median("seed")), label="variance", **plotting.THEORY)
    title = f"Signal of one target, d = {largest}"
    plotting.describe(axes, title, "subset size |v*|", "squared norm", legend="best")
