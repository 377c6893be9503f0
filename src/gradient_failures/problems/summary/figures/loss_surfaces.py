"""Figure 6 ICML: a graphical summary of the four reasons why gradients fail."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting


def draw(loss_surfaces: xr.Dataset) -> Figure:
    """Draw the four panels."""
    figure = Figure(figsize=(7.2, 5.2))
    panels = figure.subplots(2, 2).flat
    for panel in panels:
        panel.locator_params(axis="x", nbins=6)
    _draw_targets(panels[0], loss_surfaces["periodic_loss"])
    _draw_tuples(panels[1], loss_surfaces)
    _draw_conditioning(panels[2], loss_surfaces["eigenvalue"].values)
    _draw_flat(panels[3], loss_surfaces["flat_loss"])
    return figure


def _draw_targets(axes: Axes, loss: xr.DataArray) -> None:
    """All surfaces are one but for a dip of each at its own target."""
    for index, target in enumerate(loss):
        color, label = (plotting.VERMILION, "the target on the line") if index == 0 else ("0.45", None)
        axes.plot(loss["distance"], target, color=color, linewidth=1.2, label=label, zorder=3 - (index > 0))
    axes.plot([], [], color="0.45", label=f"{len(loss) - 1} other targets")
    axes.legend(loc="upper right")
    axes.set_title("(a) Gradients do not tell the target")
    axes.set_xlabel(plotting.axis_label(loss["distance"]))
    axes.set_ylabel(plotting.axis_label(loss))


def _draw_tuples(axes: Axes, surfaces: xr.Dataset) -> None:
    """Losses of single samples vary, their mean does not."""
    loss, mean = surfaces["tuple_loss"], surfaces["mean_tuple_loss"]
    for one in loss:
        axes.plot(loss["weight_change"], one, color=plotting.SKY, linewidth=0.7)
    axes.plot([], [], color=plotting.SKY, label="single tuples")
    axes.plot(mean["weight_change"], mean, color=plotting.BLACK, linewidth=1.6, label="mean")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 0.28), ncols=2)
    axes.set_title("(b) Low signal-to-noise ratio")
    axes.set_xlabel(plotting.axis_label(mean["weight_change"]))
    axes.set_ylabel(plotting.axis_label(loss))


def _draw_conditioning(axes: Axes, eigenvalues: np.ndarray) -> None:
    """Descent directions of the quadratic loss in the plane of its steepest and its flattest direction."""
    flat, steep = eigenvalues[0] / eigenvalues[-1], 1.0
    x, y = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(-1, 1, 9))
    axes.contour(x, y, flat * x**2 + steep * y**2, levels=6, colors="0.8", linewidths=0.7)
    axes.quiver(x, y, -flat * x, -steep * y, color=plotting.BLUE, width=0.004)
    axes.plot(0, 0, marker="*", color=plotting.VERMILION, markersize=9, zorder=3)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
    axes.set_title(f"(c) Ill-conditioning: κ = {eigenvalues[-1] / eigenvalues[0]:,.0f}")
    axes.set_xlabel("flattest direction of the filter")
    axes.set_ylabel("steepest direction")


def _draw_flat(axes: Axes, loss: xr.DataArray) -> None:
    """Every sample's loss is made of steps: its derivative is zero wherever there is one."""
    colors = [plotting.BLUE, plotting.ORANGE, plotting.GREEN, plotting.PURPLE]
    for one, color in zip(loss, colors, strict=False):
        axes.plot(loss["bias_change"], one, color=color, drawstyle="steps-mid")
    axes.set_title("(d) Flat activation")
    axes.set_xlabel(plotting.axis_label(loss["bias_change"]))
    axes.set_ylabel(plotting.axis_label(loss))
