"""Theorem 3: the variance of the gradient across products of linear labels, by dimension and length."""

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

COLORS = [plotting.BLUE, plotting.VERMILION, plotting.GREEN, plotting.PURPLE, plotting.ORANGE, plotting.SKY]


def draw(gaussian_tuples: xr.Dataset) -> Figure:
    """Variance of one predictor and of the best one, with the bound: against d, and against k.

    Parameters
    ----------
    gaussian_tuples : as ``gaussian_tuples.run`` measures it.
    """
    figure = Figure(figsize=(7.2, 3.4))
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_dimensions(left, gaussian_tuples)
    _draw_lengths(right, gaussian_tuples.isel(dim=-1))
    return figure


def _draw_dimensions(axes: Axes, variances: xr.Dataset) -> None:
    for k, color in zip(variances["tuple_length"].values, COLORS, strict=False):
        at = variances.sel(tuple_length=k)
        axes.plot(at["dim"], at["bound"], color=color, linestyle="--", linewidth=0.9)
        axes.plot(at["dim"], at["variance"].sel(predictor="best"), color=color, linewidth=0.9)
        axes.plot(
            at["dim"], at["variance"].sel(predictor="product"), color=color, label=f"k = {k}", linewidth=1.6
        )
        _draw_estimates(axes, at, color)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(plotting.axis_label(variances["dim"]))
    axes.set_ylabel("variance across targets / G²")
    axes.set_title("By dimension")
    axes.legend(loc="lower left")


def _draw_estimates(axes: Axes, at: xr.Dataset, color: str) -> None:
    """Estimates with their intervals; an arrow down from the upper end where the interval holds 0."""
    seen = at.sel(sampled_dim=at["sampled_low"] > 0)
    axes.errorbar(
        seen["sampled_dim"],
        seen["sampled_variance"],
        [seen["sampled_variance"] - seen["sampled_low"], seen["sampled_high"] - seen["sampled_variance"]],
        color=color,
        marker="o",
        markersize=3.5,
        linestyle="none",
        capsize=2,
    )
    unseen = at.sel(sampled_dim=at["sampled_low"] <= 0)
    axes.plot(unseen["sampled_dim"], unseen["sampled_high"], color=color, marker="v", linestyle="none")


def _draw_lengths(axes: Axes, variances: xr.Dataset) -> None:
    k = variances["tuple_length"]
    axes.plot(k, variances["bound"], color="0.3", linestyle="--", marker="_", label="bound, constant 1")
    best, product = (variances["variance"].sel(predictor=name) for name in ("best", "product"))
    axes.plot(
        k, variances["second_moment"], color="0.3", linestyle=":", marker="x", label="largest second moment"
    )
    axes.plot(k, best, color="0.3", linewidth=0.9, marker="s", markersize=3.5, label="largest variance")
    axes.plot(k, product, color="0.3", linewidth=1.6, marker="o", markersize=3.5, label="product of scores")
    axes.set_xticks(k.values)
    axes.set_xlabel(plotting.axis_label(k))
    axes.set_title(f"By length, d = {int(variances['dim'])}")
    axes.legend(loc="lower left")
