"""Figure 1: accuracy against training steps by input dimension, and how often parities are learnt."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting, statistics

COLUMNS = 3
LEVELS = {0.90: (plotting.BLUE, "o", "-"), 0.99: (plotting.VERMILION, "s", "--")}
"""Accuracies that count as learnt, each with colour, marker and line."""


def draw(parity: xr.Dataset, parity_subset_size: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """Learning curves at each dimension above; success rates by dimension and by subset size below.

    Parameters
    ----------
    parity : ``accuracy`` (dim, seed, step).
    parity_subset_size : ``accuracy`` (dim, fixed_subset_size, seed, step).
    published : the problem's ``published.yaml``.
    """
    rows = -(-parity.sizes["dim"] // COLUMNS)
    figure = Figure(figsize=(7.2, 1.9 * rows + 2.5))
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.9 * rows, 2.5]).flat
    panels = plotting.panel_grid(upper, parity.sizes["dim"], COLUMNS)
    for panel, dim in zip(panels, parity["dim"].values, strict=True):
        _draw_dimension(panel, parity["accuracy"].sel(dim=dim), published["accuracy"].get(f"d{dim}"))
    panels[0].set_ylim(min(0.4, float(parity["accuracy"].min()) - 0.02), 1.02)
    upper.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, borderaxespad=0)
    upper.supxlabel(plotting.axis_label(parity["step"]), fontsize=8)
    upper.supylabel(plotting.axis_label(parity["accuracy"]), fontsize=8)

    hardest = parity_subset_size["dim"].values.max()
    by_dimension, by_subset = lower.subplots(1, 2, sharey=True)
    _draw_success(by_dimension, parity["accuracy"])
    by_dimension.set_title("v* uniform")
    by_dimension.set_ylabel("share of runs that learn")
    by_dimension.legend()
    _draw_success(by_subset, parity_subset_size["accuracy"].sel(dim=hardest))
    by_subset.set_title(f"|v*| fixed, d = {hardest}")
    return figure


def _draw_dimension(axes: Axes, accuracy: xr.DataArray, published: Mapping[str, Any] | None) -> None:
    plotting.draw_runs(axes, accuracy, plotting.BLUE, "median of runs", "middle half of runs")
    last = int(accuracy["step"][-1])
    if published:
        plotting.draw_published(axes, published, last, "published run")
    plotting.draw_chance(axes)
    axes.set(xlim=(0, last))
    plotting.thousands(axes)
    axes.set_title(f"d = {int(accuracy['dim'])} ({accuracy.sizes['seed']} runs)")


def _draw_success(axes: Axes, accuracy: xr.DataArray) -> None:
    """Success rate with its interval against the first dimension of ``accuracy`` (axis, seed, step)."""
    axis = accuracy[accuracy.dims[0]]
    aside = 0.01 * np.ptp(axis.values)
    for sign, (level, (color, marker, line)) in zip((-1, 1), LEVELS.items(), strict=True):
        reached = statistics.first_passage(accuracy, level) < np.inf
        plotting.draw_rates(
            axes,
            axis.values + sign * aside,
            reached,
            color=color,
            marker=marker,
            linestyle=line,
            label=f"reach {level:.2f}",
            markersize=4,
        )
    axes.set_xlabel(plotting.axis_label(axis))
    axes.set_xticks(axis.values)
    axes.set_ylim(-0.03, 1.03)
