"""Gradient signal-to-noise ratio against tuple length (figure 4 ICML = 5 extended)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.problems.tuples.settings import FLOAT32_RESOLUTION
from gradient_failures.results import plotting, statistics

ASIDE = {"end_to_end": 0.12, "decomposition": -0.12}
"""Where beside the tuple length each approach is drawn."""

WIDTH = 0.2
"""Seeds are drawn side by side over this width."""


def draw(snr: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """The published estimate repeated, with its floor; beside it the estimate without bias, on a longer axis.

    Parameters
    ----------
    snr : as ``snr.run`` measures it.
    published : the content of ``published.yaml``.
    """
    figure, (plug_in, unbiased) = plotting.panels(3.9, 1, 2)
    _draw_plug_in(plug_in, snr)
    _draw_published(plug_in, snr, published["snr"]["relative_height"])
    _draw_unbiased(unbiased, snr)
    k = snr["tuple_length"]
    for axes in (plug_in, unbiased):
        plotting.mark_values(axes, k)
        _draw_level(axes, 1 / int(snr["tuples"].max()), "floor 1/m", "0.5")
        axes.set_xlim(k.min() - 0.5, k.max() + 0.5)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
    plug_in.set_ylabel(r"$\log_e$ SNR")
    return figure


def _draw_plug_in(axes: Axes, snr: xr.Dataset) -> None:
    """The plug-in estimates, and what the mean over seeds can be at most where its interval holds 0."""
    estimate, k = snr["plug_in_over_floor"] / snr["tuples"], snr["tuple_length"].values
    for approach, look in plotting.APPROACHES.items():
        values = xr.apply_ufunc(np.log, estimate.sel(approach=approach))
        plotting.draw_points(axes, values, look, k + ASIDE[approach], WIDTH)
    sampled = snr["snr"].sel(estimator="sampled", approach="end_to_end").transpose("tuple_length", "seed")
    means = [statistics.mean(values) for values in sampled]
    limits = [np.log(mean.high) if mean.low <= 0 < mean.high < np.inf else np.nan for mean in means]
    label = "end-to-end, without bias: at most"
    axes.plot(k + 0.3, limits, color=plotting.VERMILION, label=label, **plotting.AT_MOST)
    axes.set_title("As published: plug-in estimate")


def _draw_published(axes: Axes, snr: xr.Dataset, height: Mapping[str, list[float]]) -> None:
    """The published heights, scaled so that decomposition has the mean over k that is measured here."""
    measured = snr["snr"].sel(estimator="recombined", approach="decomposition")
    here = statistics.geometric_mean(measured.values.ravel()).value
    scale = here / statistics.geometric_mean(height["decomposition"]).value
    for approach, (_, _, marker) in plotting.APPROACHES.items():
        heights = np.log(np.multiply(scale, height[approach]))
        label = "published" if approach == "decomposition" else None
        dot = plotting.PUBLISHED_DOT | {"color": plotting.BLACK, "markerfacecolor": "white"}
        axes.plot(np.arange(1, 5) + ASIDE[approach], heights, marker=marker, label=label, **dot)


def _draw_unbiased(axes: Axes, snr: xr.Dataset) -> None:
    """The interval of each seed, a triangle where it holds 0, and the geometric means."""
    k, seeds = snr["tuple_length"].values, snr.sizes["seed"]
    for approach, (label, color, marker) in plotting.APPROACHES.items():
        cells = snr.sel(estimator="recombined", approach=approach).transpose("tuple_length", "seed", ...)
        at, detected = k + ASIDE[approach], cells["snr_lower_limit"] > 0
        value, low = (np.log(cells[name].where(detected)) for name in ("snr", "snr_lower_limit"))
        high = np.log(cells["snr_upper_limit"])
        plotting.draw_intervals(axes, plotting.side_by_side(at, seeds, WIDTH), value, low, high, color)
        means = np.log([statistics.geometric_mean(values).value for values in cells["snr"]])
        line: dict[str, Any] = {"color": color, "marker": marker, "markersize": 5.5}
        axes.plot(at, means, markeredgecolor="white", label=label, **line)
    _draw_level(axes, FLOAT32_RESOLUTION, "rounding of float32, 2$^{-48}$", plotting.GREEN)
    axes.set_title("Without its bias: recombined tuples")


def _draw_level(axes: Axes, level: float, text: str, color: str) -> None:
    height, beside = np.log(level), axes.get_yaxis_transform()
    axes.axhline(height, color=color, linewidth=0.9, linestyle="--")
    axes.annotate(text, (0.02, height), (0, 2.5), beside, "offset points", color=color, fontsize=7.5)
