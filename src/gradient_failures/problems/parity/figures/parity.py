"""Figure 1: accuracy against training steps by input dimension, and how often parities are learnt."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting, statistics

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
    accuracy = parity["accuracy"]
    figure, panels, lower = plotting.curves_above(accuracy, "dim", 2.5)
    for panel, curves in zip(panels, accuracy, strict=True):
        _draw_dimension(panel, curves, published["accuracy"].get(f"d{int(curves['dim'])}"))
    panels[0].set_ylim(min(0.4, float(accuracy.min()) - 0.02), 1.02)
    figure.subfigs[0].legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, borderaxespad=0
    )

    fixed = parity_subset_size["accuracy"].sel(dim=parity_subset_size["dim"].max())
    by_dimension, by_subset = lower.subplots(1, 2, sharey=True)
    _draw_success(by_dimension, accuracy)
    plotting.describe(by_dimension, "v* uniform", y="share of runs that learn", legend="best")
    _draw_success(by_subset, fixed)
    by_subset.set_title(f"|v*| fixed, d = {int(fixed['dim'])}")
    return figure


def _draw_dimension(axes: Axes, accuracy: xr.DataArray, published: Mapping[str, Any] | None) -> None:
    last = int(accuracy["step"][-1])
    plotting.draw_runs(axes, accuracy, plotting.BLUE, "median of runs", "middle half of runs")
    plotting.draw_published(axes, published, last)
    plotting.draw_chance(axes)
    plotting.thousands(axes)
    axes.set(title=f"d = {int(accuracy['dim'])} ({accuracy.sizes['seed']} runs)", xlim=(0, last))


def _draw_success(axes: Axes, accuracy: xr.DataArray) -> None:
    """Success rate and its interval against the first dimension of ``accuracy`` (axis, seed, step)."""
    axis = accuracy[accuracy.dims[0]]
    aside = 0.01 * np.ptp(axis.values)
    for sign, (level, (color, marker, line)) in zip((-1, 1), LEVELS.items(), strict=True):
        reached = statistics.first_passage(accuracy, level) < np.inf
        rates = [statistics.rate(int(runs.sum()), runs.size) for runs in reached]
        value, low, high = np.transpose([(rate.value, rate.low, rate.high) for rate in rates])
        axes.errorbar(
            axis.values + sign * aside,
            value,
            np.maximum([value - low, high - value], 0),
            color=color,
            marker=marker,
            linestyle=line,
            label=f"reach {level:.2f}",
            capsize=2,
            elinewidth=0.9,
        )
    plotting.mark_values(axes, axis)
    axes.set_ylim(-0.03, 1.03)
