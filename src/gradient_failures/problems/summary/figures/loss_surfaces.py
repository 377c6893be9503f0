"""Figure 6 ICML: a graphical summary of the four reasons why gradients fail."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting


def draw(loss_surfaces: xr.Dataset) -> Figure:
    """Draw the four panels."""
    figure, panels = plotting.panels(5.2, 2, 2)
    targets, tuples, conditioning, flat = panels.flat
    for panel in panels.flat:
        panel.locator_params(axis="x", nbins=6)
    _draw_targets(targets, loss_surfaces["periodic_loss"])
    _draw_tuples(tuples, loss_surfaces)
    _draw_conditioning(conditioning, loss_surfaces["eigenvalue"].values)
    _draw_flat(flat, loss_surfaces["flat_loss"])
    return figure


def _draw_targets(axes: Axes, loss: xr.DataArray) -> None:
    """All surfaces are one but for a dip of each at its own target."""
    at, target, others = loss["distance"], loss[0], loss[1:]
    axes.plot(at, target, color=plotting.VERMILION, linewidth=1.2, label="the target on the line", zorder=3)
    first, *_ = axes.plot(at, others.T, color="0.45", linewidth=1.2)
    first.set_label(f"{len(others)} other targets")
    plotting.describe(axes, "(a) Gradients do not tell the target", at, loss, legend="upper right")


def _draw_tuples(axes: Axes, surfaces: xr.Dataset) -> None:
    """Losses of single samples vary, their mean does not."""
    loss, at = surfaces["tuple_loss"], surfaces["weight_change"]
    first, *_ = axes.plot(at, loss.T, color=plotting.SKY, linewidth=0.7)
    first.set_label("single tuples")
    axes.plot(at, surfaces["mean_tuple_loss"], color=plotting.BLACK, label="mean", **plotting.MEDIAN)
    plotting.describe(axes, "(b) Low signal-to-noise ratio", at, loss)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 0.28), ncols=2)


def _draw_conditioning(axes: Axes, eigenvalues: np.ndarray) -> None:
    """Descent directions of the quadratic loss in the plane of its steepest and its flattest direction."""
    flat, steep = eigenvalues[0] / eigenvalues[-1], 1.0
    x, y = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(-1, 1, 9))
    axes.contour(x, y, flat * x**2 + steep * y**2, levels=6, colors="0.8", linewidths=0.7)
    axes.quiver(x, y, -flat * x, -steep * y, color=plotting.BLUE, width=0.004)
    axes.plot(0, 0, marker="*", color=plotting.VERMILION, markersize=9, zorder=3)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
    title = f"(c) Ill-conditioning: κ = {eigenvalues[-1] / eigenvalues[0]:,.0f}"
    plotting.describe(axes, title, "flattest direction of the filter", "steepest direction")


def _draw_flat(axes: Axes, loss: xr.DataArray) -> None:
    """Every sample's loss is made of steps: its derivative is zero wherever there is one."""
    for one, color in zip(loss, plotting.COLORS, strict=False):
        axes.plot(loss["bias_change"], one, color=color, drawstyle="steps-mid")
    plotting.describe(axes, "(d) Flat activation", loss["bias_change"], loss)
