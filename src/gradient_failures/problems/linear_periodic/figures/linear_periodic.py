"""Theorem 2: a loss surface flat but at its target, and the variance of its gradient across targets."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

SERIES = 5
"""Most values of the other axis that are drawn against one."""


def draw(linear_periodic: xr.Dataset) -> Figure:
    """The loss surface for one target, and the variance against size, dimension and radius.

    Parameters
    ----------
    linear_periodic : as ``gradient_variance`` measures it.
    """
    figure = Figure(figsize=(7.2, 5.6))
    (surface, joint), (dimensions, radii) = figure.subplots(2, 2)
    _draw_surface(surface, linear_periodic["surface"])
    _draw_joint(joint, linear_periodic["joint_variance"])
    _draw_family(dimensions, linear_periodic, "dim", "radius", "r")
    _draw_family(radii, linear_periodic, "radius", "dim", "d")
    dimensions.set_ylim(1e-18, 3)
    radii.set_ylim(1e-18, 3)
    return figure


def _draw_surface(axes: Axes, surface: xr.DataArray) -> None:
    first, second = surface["first_weight"], surface["second_weight"]
    filled = axes.contourf(
        first, second, surface.T, levels=np.linspace(0, 1.6, 17), cmap="cividis", extend="max"
    )
    axes.figure.colorbar(filled, ax=axes, label=plotting.axis_label(surface), ticks=[0, 0.4, 0.8, 1.2, 1.6])
    axes.set_aspect("equal")
    axes.set_xlabel(plotting.axis_label(first))
    axes.set_ylabel(plotting.axis_label(second))
    axes.set_title("Loss for one target, d = 2")


def _draw_joint(axes: Axes, joint: xr.DataArray) -> None:
    size = joint["joint_size"]
    axes.plot(size, joint, color=plotting.BLUE, marker="o", markersize=3.5, label="largest over all weights")
    axes.plot(size, 2.0**-size, color="0.3", linewidth=0.9, linestyle="--", label="$2^{-d}$, as for parities")
    axes.set_yscale("log")
    axes.set_xlabel("dimension and norm of the target, d = r")
    axes.set_ylabel("variance across targets")
    axes.set_title("Both grow together")
    axes.legend(loc="lower left")


def _draw_family(axes: Axes, variances: xr.Dataset, along: str, by: str, symbol: str) -> None:
    """Variance against one axis, for some values of the other, and its estimates from samples."""
    values = _spread(variances[by].values, SERIES)
    colors = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(values)))
    for value, color in zip(values, colors, strict=True):
        at = variances.sel({by: value})
        axes.plot(at[along], at["variance"].sel(weights="worst"), color=color, label=f"{symbol} = {value:g}")
        axes.plot(at[along], at["variance"].sel(weights="initial"), color=color, linewidth=0.9, linestyle=":")
        axes.errorbar(
            at[along],
            at["sampled_variance"],
            2 * at["sampled_error"],
            color=color,
            marker="o",
            markersize=2.5,
            linestyle="none",
            elinewidth=0.8,
        )
    axes.set_yscale("log")
    axes.set_xlabel(plotting.axis_label(variances[along]))
    axes.set_ylabel("variance across targets")
    axes.set_title(f"By {variances[along].attrs['long_name']}")
    axes.legend(loc="lower left", labelspacing=0.3)


def _spread(values: np.ndarray, count: int) -> list[float]:
    """At most ``count`` of ``values``, evenly spread from the first to the last."""
    return [values[i] for i in np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))]
