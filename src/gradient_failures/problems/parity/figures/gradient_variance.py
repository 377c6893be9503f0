"""Theorem 1: the variance of the gradient across parities, with its bound and the noise it competes with."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

COLORS = [plotting.BLUE, plotting.VERMILION, plotting.GREEN, plotting.PURPLE, plotting.ORANGE, plotting.SKY]
MARKERS = ["o", "s", "^", "D", "v", "P"]
LOSSES = {"squared": ("squared loss", plotting.BLUE, "o"), "hinge": ("hinge loss", plotting.VERMILION, "x")}
"""Label, colour and marker of each loss."""


def draw(gradient_variance: xr.Dataset) -> Figure:
    """Variance against dimension at initial weights, along training and by architecture, and by subset size.

    Parameters
    ----------
    gradient_variance : as the computation of this name measures it.
    """
    figure = Figure(figsize=(7.2, 5.6))
    (initial, trained), (architectures, sizes) = figure.subplots(2, 2)
    _draw_initial(initial, gradient_variance.isel(architecture=0))
    _draw_training(trained, gradient_variance)
    _draw_architectures(architectures, gradient_variance["variance_over_bound"].sel(loss="hinge"))
    _draw_sizes(sizes, gradient_variance)
    return figure


def _draw_initial(axes: Axes, variances: xr.Dataset) -> None:
    dim = variances["dim"]
    for name, (label, color, marker) in LOSSES.items():
        plotting.draw_points(axes, variances["variance"].sel(loss=name), color, marker, label)
    axes.plot(dim, variances["bound"].median("seed"), color="0.3", linewidth=0.9, label="bound G²/2ᵈ")
    lines = {
        "sgd_noise": ("noise of a batch", plotting.GREEN, "-"),
        "run_noise": ("noise of a whole run", plotting.PURPLE, "--"),
        "float32_resolution": ("rounding to float32", plotting.ORANGE, ":"),
    }
    for name, (label, color, style) in lines.items():
        axes.plot(dim, variances[name].median("seed"), color=color, linestyle=style, label=label)
    _set_dimension(axes, variances["dim"])
    _set_powers(axes)
    axes.set_ylabel("squared norm of a gradient")
    axes.set_title("At initial weights")
    axes.legend(loc=(0.01, 0.16), labelspacing=0.3)


def _draw_training(axes: Axes, variances: xr.Dataset) -> None:
    """The variance for the hinge loss at each checkpoint, with the largest bound of the runs."""
    hinge, bound = variances["trained_variance"].sel(loss="hinge"), variances["trained_bound"]
    for step, color, marker in zip(variances["step"].values, COLORS, MARKERS, strict=False):
        plotting.draw_points(
            axes, hinge.sel(step=step), color, marker, f"{step:,} steps".replace(",", "\u202f")
        )
        axes.plot(bound["trained_dim"], bound.sel(step=step).max("seed"), color=color, linewidth=0.9)
    _set_dimension(axes, variances["trained_dim"])
    _set_powers(axes)
    axes.set_title("Along training, hinge loss")
    axes.legend(loc="lower left")


def _draw_architectures(axes: Axes, ratio: xr.DataArray) -> None:
    for name, color, marker in zip(ratio["architecture"].values, COLORS, MARKERS, strict=False):
        plotting.draw_points(axes, ratio.sel(architecture=name), color, marker, str(name))
    axes.axhline(1, color="0.3", linewidth=0.9)
    axes.axhline(0.25, color="0.3", linewidth=0.9, linestyle="--")
    axes.set_ylim(0, 1.08)
    _set_dimension(axes, ratio["dim"])
    axes.set_ylabel("variance / bound")
    axes.set_title("Depth and width, hinge loss")
    axes.legend(title=plotting.axis_label(ratio["architecture"]), loc="center", ncols=2)


def _draw_sizes(axes: Axes, variances: xr.Dataset) -> None:
    """The signal of each subset size, whose mean over all targets is about the variance."""
    signal = variances["signal_by_size"]
    for name, (label, color, marker) in LOSSES.items():
        plotting.draw_points(axes, signal.sel(loss=name), color, marker, label)
    largest = variances["enumerated_dim"].values.max()
    mean = variances["enumerated_variance"].sel(enumerated_dim=largest, loss="hinge").isel(step=0)
    axes.axhline(float(mean.median("seed")), color="0.3", linewidth=0.9, label="variance")
    axes.set_xlabel("subset size |v*|")
    axes.set_ylabel("squared norm")
    axes.set_title(f"Signal of one target, d = {largest}")
    _set_powers(axes)
    axes.legend()


def _set_dimension(axes: Axes, dim: xr.DataArray) -> None:
    axes.set_xlabel("input dimension d")
    axes.set_xticks(np.arange(5, int(dim.max()) + 1, 5))


def _set_powers(axes: Axes) -> None:
    axes.set_yscale("log", base=2)
