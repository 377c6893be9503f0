"""Allocation (figure 7 ICML = 4 extended): loss against steps and final loss, by number of stocks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

STYLES = {
    "end_to_end": ("end-to-end", plotting.VERMILION, "s"),
    "decomposition": ("decomposition", plotting.BLUE, "o"),
}
"""Label, colour and marker of each approach."""

COLUMNS = 3


def draw(allocation: xr.Dataset, estimator_noise: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """Learning curves of both approaches at each number of stocks; below, final loss and noise against it.

    Parameters
    ----------
    allocation : ``loss`` (approach, n_stocks, seed, step).
    estimator_noise : ``ratio_by_stocks`` and ``expected_ratio_by_stocks`` (n_stocks, seed).
    published : ``loss`` by approach and number of stocks, each a curve.
    """
    loss = allocation["loss"]
    rows = -(-loss.sizes["n_stocks"] // COLUMNS)
    figure = Figure(figsize=(7.2, 1.9 * rows + 2.3))
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.9 * rows, 2.3]).flat
    panels = plotting.panel_grid(upper, loss.sizes["n_stocks"], COLUMNS)
    for panel, k in zip(panels, loss["n_stocks"].values, strict=True):
        _draw_curves(panel, loss.sel(n_stocks=k), published["loss"])
    panels[0].legend(loc="upper right")
    upper.supxlabel(plotting.axis_label(loss["step"]), fontsize=8)
    upper.supylabel(plotting.axis_label(loss), fontsize=8)
    final, ratio = lower.subplots(1, 2)
    _draw_final(final, loss)
    _draw_noise(ratio, estimator_noise)
    return figure


def _draw_curves(axes: Axes, loss: xr.DataArray, published: Mapping[str, Any]) -> None:
    k, last = int(loss["n_stocks"]), int(loss["step"][-1])
    for approach, (label, color, _) in STYLES.items():
        plotting.draw_runs(axes, loss.sel(approach=approach), color, label)
        if curve := published[approach].get(k):
            plotting.draw_published(axes, curve, last, "published" if approach == "decomposition" else None)
    axes.set(xlim=(0, last), ylim=(-1.03, 0.05))
    plotting.thousands(axes)
    axes.set_title(f"k = {k} ({loss.sizes['seed']} runs)")


def _draw_final(axes: Axes, loss: xr.DataArray) -> None:
    for approach, (label, color, marker) in STYLES.items():
        final = loss.sel(approach=approach).isel(step=-1)
        axes.plot(
            final["n_stocks"], final, color=color, marker=marker, linestyle="none", markersize=3, alpha=0.4
        )
        axes.plot(final["n_stocks"], final.median("seed"), color=color, label=label)
    _set_stocks(axes, loss["n_stocks"])
    axes.set_ylim(-1.03, 0.05)
    axes.set_ylabel(f"final {loss.attrs['long_name']}")
    axes.set_title(f"After {np.max(loss['step'].values)} steps, every run and the median")
    axes.legend()


def _draw_noise(axes: Axes, noise: xr.Dataset) -> None:
    """Ratio of the second moments of the two gradient estimates, sampled and expected, and the line of k."""
    k = noise["n_stocks"]
    sampled, expected = noise["ratio_by_stocks"] * k, noise["expected_ratio_by_stocks"] * k
    axes.plot(k, k, color="0.75", linewidth=3, label="k")
    axes.plot(
        k, expected.mean("seed"), color=plotting.BLACK, linewidth=0.9, label="equations 3 and 4, supplement"
    )
    marks = axes.plot(k, sampled, color=plotting.PURPLE, marker="D", linestyle="none", markersize=3)
    marks[0].set_label("sampled")
    axes.set_yscale("log")
    _set_stocks(axes, k)
    axes.set_ylabel("end-to-end / decomposition")
    axes.set_title("Second moments of the gradients")
    axes.legend()


def _set_stocks(axes: Axes, n_stocks: xr.DataArray) -> None:
    axes.set_xscale("log")
    axes.set_xticks(n_stocks.values, [str(k) for k in n_stocks.values])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(plotting.axis_label(n_stocks))
