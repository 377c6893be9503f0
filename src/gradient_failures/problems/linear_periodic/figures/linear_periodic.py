"""Theorem 2: a loss surface flat but at its target, and the variance of its gradient across targets."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

SERIES = 5
"""Most values of the other axis that are drawn against one."""

VARIANCE = "variance across targets"


def draw(linear_periodic: xr.Dataset) -> Figure:
    """The loss surface for one target, and the variance against size, dimension and radius.

    Parameters
    ----------
    linear_periodic : as ``gradient_variance`` measures it.
    """
    figure, ((surface, joint), (dimensions, radii)) = plotting.panels(5.6, 2, 2)
    _draw_surface(surface, linear_periodic["surface"])
    _draw_joint(joint, linear_periodic["joint_variance"])
    _draw_family(dimensions, linear_periodic, "dim", "radius", "r")
    _draw_family(radii, linear_periodic, "radius", "dim", "d")
    return figure


def _draw_surface(axes: Axes, surface: xr.DataArray) -> None:
    first, second = surface["first_weight"], surface["second_weight"]
    levels = np.linspace(0, 1.6, 17)
    filled = axes.contourf(first, second, surface.T, levels=levels, cmap="cividis", extend="max")
    axes.figure.colorbar(filled, ax=axes, label=plotting.axis_label(surface), ticks=levels[::4])
    plotting.describe(axes, "Loss for one target, d = 2", first, second, aspect="equal")


def _draw_joint(axes: Axes, joint: xr.DataArray) -> None:
    size = joint["joint_size"]
    axes.plot(size, joint, color=plotting.BLUE, marker="o", label="largest over all weights")
    axes.plot(size, 2.0**-size, linestyle="--", label="$2^{-d}$, as for parities", **plotting.THEORY)
    x = "dimension and norm of the target, d = r"
    plotting.describe(axes, "Both grow together", x, VARIANCE, legend="lower left", yscale="log")


def _draw_family(axes: Axes, variances: xr.Dataset, along: str, by: str, symbol: str) -> None:
    """Variance against one axis, for some values of the other, and its estimates from samples."""
    x, values = variances[along], variances[by].values
    values = values[plotting.spread(len(values), SERIES)]
    for value, color in zip(values, plotting.shades(len(values)), strict=True):
        at = variances.sel({by: value})
        axes.plot(x, at["variance"].sel(weights="worst"), color=color, label=f"{symbol} = {value:g}")
        axes.plot(x, at["variance"].sel(weights="initial"), color=color, linewidth=0.9, linestyle=":")
        sampled, error = at["sampled_variance"], 2 * at["sampled_error"]
        plotting.draw_intervals(axes, x, sampled, sampled - error, sampled + error, color)
    plotting.describe(axes, f"By {x.attrs['long_name']}", x, VARIANCE, yscale="log", ylim=(1e-18, 3))
    axes.legend(loc="lower left", labelspacing=0.3)
