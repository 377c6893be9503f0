"""The error of every run against training steps."""

import xarray as xr
from matplotlib.figure import Figure

from gradient_failures.results import plotting


def draw(coin: xr.Dataset) -> Figure:
    """One colour for each coin: ``error`` (chance, seed, step)."""
    figure = Figure()
    axes = figure.subplots()
    for chance, color in zip(coin["chance"].values, [plotting.BLUE, plotting.ORANGE], strict=True):
        plotting.draw_each_run(axes, coin["error"].sel(chance=chance), color, f"{chance:g}")
    axes.set_xlabel(plotting.axis_label(coin["step"]))
    axes.legend()
    return figure
