"""The generic figure of a grid: its metrics against training steps, and their final values by setting."""

import itertools
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting
from gradient_failures.results.runs import LAST_STEP

METRICS, PANELS, COLUMNS = 2, 6, 3
"""The most metrics that are drawn, panels for each of them, and panels in a row."""


def draw(grid: xr.Dataset) -> Figure:
    """Draw ``grid``: a colour for each value of its last axis, a panel for each point of the others.

    Axes with a single value count as the first. Final values are drawn against the axis with most values.
    """
    if set(grid[LAST_STEP].dims) == {"seed"}:
        grid = grid.expand_dims({"grid": ["runs"]})
        grid["grid"].attrs = {"long_name": "", "units": "1"}
    axes = [str(dim) for dim in grid[LAST_STEP].dims if dim != "seed"]
    axes.sort(key=lambda axis: grid.sizes[axis] > 1)
    dims = {*axes, "seed", "step"}
    metrics = [metric for metric in grid.data_vars.values() if {*metric.dims} == dims][:METRICS]
    places, colors = _places(grid, axes[:-1]), plotting.colors(grid[axes[-1]])
    rows = -(-len(places) // COLUMNS)
    figure, (*above, below) = plotting.parts(*[2.2 * rows] * len(metrics), 2.2)
    for part, metric in zip(above, metrics, strict=True):
        panels = plotting.panel_grid(part, len(places), -(-len(places) // rows))
        for panel, place in zip(panels, places, strict=True):
            _draw_curves(panel, metric.sel(place), axes[-1], colors)
            panel.set_title(
                ", ".join(f"{axis.replace('_', ' ')} {_word(value)}" for axis, value in place.items())
            )
        panels[0].set_ylabel(_wrapped(metric))
        part.legend(*panels[0].get_legend_handles_labels(), title=axes[-1], loc="outside right upper")
    longest = max(reversed(axes), key=lambda axis: grid.sizes[axis])
    for panel, metric in zip(below.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        _draw_final(panel, metric.sel(step=grid[LAST_STEP]), longest, axes[-1], colors)
    return figure


def _places(grid: xr.Dataset, axes: list[str]) -> list[dict[str, Any]]:
    """The points of ``axes``, one panel each; of too many, some from the first to the last."""
    points = itertools.product(*(grid[axis].values for axis in axes))
    places = [dict(zip(axes, point, strict=True)) for point in points]
    return [places[index] for index in plotting.spread(len(places), PANELS)]


def _draw_curves(panel: Axes, metric: xr.DataArray, axis: str, colors: Mapping[Any, Any]) -> None:
    """Draw ``metric`` (axis, seed, step)."""
    for value, color in colors.items():
        curves = metric.sel({axis: value}).dropna("step", how="all")
        plotting.draw_few_or_many(panel, curves, color, _word(value))
    plotting.describe(panel, x=metric["step"], yscale=_scale(metric.values))
    if metric["step"].max() >= 1000:
        plotting.thousands(panel)


def _draw_final(panel: Axes, final: xr.DataArray, along: str, axis: str, colors: Mapping[Any, Any]) -> None:
    """Draw ``final`` (axes, seed) against ``along``, one marker for each run."""
    values = final[along].values
    numeric = values.dtype.kind in "if"
    at = xr.DataArray(values if numeric else np.arange(values.size), coords={along: values})
    for value, color in colors.items():
        x, y = (data.sel({axis: value}).values.ravel() for data in xr.broadcast(at, final))
        panel.plot(x, y, color=color, marker="o", **plotting.POINT)
    if numeric:
        panel.set_xscale(_scale(values))
    else:
        panel.set_xticks(at.values, values)
        panel.tick_params(axis="x", rotation=15)
    plotting.describe(panel, None, final[along], f"final {_wrapped(final)}", yscale=_scale(final.values))


def _scale(values: np.ndarray) -> str:
    """Logarithmic where positive values are of different orders of magnitude."""
    smallest, largest = np.nanmin(values), np.nanmax(values)
    return "log" if 0 < 100 * smallest < largest else "linear"


def _wrapped(variable: xr.DataArray) -> str:
    return textwrap.fill(plotting.axis_label(variable), 28)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"
