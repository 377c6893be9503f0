"""Theorem 3: the variance of the gradient across products of linear labels, by dimension and length."""

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting


def draw(gaussian_tuples: xr.Dataset) -> Figure:
    """Variance of one predictor and of the best one, with the bound: against d, and against k.

    Parameters
    ----------
    gaussian_tuples : as ``gaussian_tuples.run`` measures it.
    """
    figure, (left, right) = plotting.panels(3.4, 1, 2, sharey=True)
    _draw_dimensions(left, gaussian_tuples)
    _draw_lengths(right, gaussian_tuples.isel(dim=-1))
    return figure


def _draw_dimensions(axes: Axes, variances: xr.Dataset) -> None:
    dim = variances["dim"]
    for k, color in plotting.colors(variances["tuple_length"]).items():
        at = variances.sel(tuple_length=k)
        best, product = (at["variance"].sel(predictor=name) for name in ("best", "product"))
        axes.plot(dim, at["bound"], color=color, linestyle="--", linewidth=0.9)
        axes.plot(dim, best, color=color, linewidth=0.9)
        axes.plot(dim, product, color=color, linewidth=1.6, label=f"k = {k}")
        low, high = at["sampled_low"], at["sampled_high"]
        plotting.draw_intervals(
            axes, at["sampled_dim"], at["sampled_variance"], low.where(low > 0), high, color
        )
    y = "variance across targets / G²"
    plotting.describe(axes, "By dimension", dim, y, legend="lower left", xscale="log", yscale="log")


def _draw_lengths(axes: Axes, variances: xr.Dataset) -> None:
    k, variance = variances["tuple_length"], variances["variance"]
    for values, label, line, marker, width in [
        (variances["bound"], "bound, constant 1", "--", "_", 0.9),
        (variances["second_moment"], "largest second moment", ":", "x", 0.9),
        (variance.sel(predictor="best"), "largest variance", "-", "s", 0.9),
        (variance.sel(predictor="product"), "product of scores", "-", "o", 1.6),
    ]:
        axes.plot(k, values, color="0.3", linestyle=line, marker=marker, linewidth=width, label=label)
    plotting.mark_values(axes, k)
    plotting.describe(axes, f"By length, d = {int(variances['dim'])}", legend="lower left")
