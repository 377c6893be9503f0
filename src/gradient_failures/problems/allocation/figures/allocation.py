"""Allocation (figure 7 ICML = 4 extended): loss against steps and final loss, by number of stocks."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

LIMITS = (-1.03, 0.05)


def draw(allocation: xr.Dataset, estimator_noise: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """Learning curves of both approaches at each number of stocks; below, final loss and noise against it.

    Parameters
    ----------
    allocation : ``loss`` (approach, n_stocks, seed, step).
    estimator_noise : ``ratio_by_stocks`` and ``expected_ratio_by_stocks`` (n_stocks, seed).
    published : ``loss`` by approach and number of stocks, each a curve.
    """
    loss = allocation["loss"]
    figure, panels, lower = plotting.curves_above(loss, "n_stocks", 2.3)
    for panel, curves in zip(panels, loss.transpose("n_stocks", ...), strict=True):
        _draw_curves(panel, curves, published["loss"])
    panels[0].legend(loc="upper right")
    final, ratio = lower.subplots(1, 2)
    _draw_final(final, loss)
    _draw_noise(ratio, estimator_noise)
    return figure


def _draw_curves(axes: Axes, loss: xr.DataArray, published: Mapping[str, Any]) -> None:
    k, last = int(loss["n_stocks"]), int(loss["step"][-1])
    for approach, (label, color, _) in plotting.APPROACHES.items():
        plotting.draw_runs(axes, loss.sel(approach=approach), color, label)
        plotting.draw_published(axes, published[approach].get(k), last)
    plotting.thousands(axes)
    axes.set(title=f"k = {k} ({loss.sizes['seed']} runs)", xlim=(0, last), ylim=LIMITS)


def _draw_final(axes: Axes, loss: xr.DataArray) -> None:
    k, last = loss["n_stocks"], int(loss["step"][-1])
    for approach, (label, color, marker) in plotting.APPROACHES.items():
        final = loss.sel(approach=approach, step=last)
        plotting.draw_points(axes, final, ("", color, marker))
        axes.plot(k, final.median("seed"), color=color, label=label)
    plotting.mark_values(axes, k, "log")
    title, y = f"After {last} steps, every run and the median", f"final {plotting.axis_label(loss)}"
    plotting.describe(axes, title, y=y, legend="best", ylim=LIMITS)


def _draw_noise(axes: Axes, noise: xr.Dataset) -> None:
    """Ratio of the second moments of the two gradient estimates, sampled and expected, and the line of k."""
    k = noise["n_stocks"]
    sampled, expected = noise["ratio_by_stocks"] * k, noise["expected_ratio_by_stocks"] * k
    axes.plot(k, k, color="0.75", linewidth=3, label="k")
    axes.plot(k, expected.mean("seed"), label="equations 3 and 4, supplement", **plotting.THEORY)
    plotting.draw_points(axes, sampled, ("sampled", plotting.PURPLE, "D"))
    plotting.mark_values(axes, k, "log")
    title, y = "Second moments of the gradients", "end-to-end / decomposition"
    plotting.describe(axes, title, y=y, legend="best", yscale="log")
