"""Gradient signal-to-noise ratio against tuple length (figure 4 ICML = 5 extended)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.problems.tuples.settings import FLOAT32_RESOLUTION
from gradient_failures.results import plotting, statistics

STYLES = {
    "end_to_end": ("end-to-end", plotting.VERMILION, "s", 0.12),
    "decomposition": ("decomposition", plotting.BLUE, "o", -0.12),
}
"""Label, colour, marker and place beside the tuple length of each approach."""

SPREAD = 0.1
"""Seeds are drawn within this distance of the place of their approach."""


def draw(snr: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """The published estimate repeated, with its floor; beside it the estimate without bias, on a longer axis.

    Parameters
    ----------
    snr : as ``snr.run`` measures it.
    published : the content of ``published.yaml``.
    """
    figure = Figure(figsize=(7.2, 3.9))
    plug_in, unbiased = figure.subplots(1, 2)
    _draw_plug_in(plug_in, snr)
    _draw_published(plug_in, snr, published["snr"]["relative_height"])
    _draw_unbiased(unbiased, snr)
    for axes in (plug_in, unbiased):
        axes.set_xticks(snr["tuple_length"].values)
        axes.set_xlim(snr["tuple_length"].min() - 0.5, snr["tuple_length"].max() + 0.5)
        axes.set_xlabel(plotting.axis_label(snr["tuple_length"]))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
    plug_in.set_ylabel(r"$\log_e$ SNR")
    return figure


def _draw_plug_in(axes: Axes, snr: xr.Dataset) -> None:
    estimate = snr["plug_in_over_floor"] / snr["tuples"]
    for approach, (label, color, marker, _) in STYLES.items():
        for k in snr["tuple_length"].values:
            values = estimate.sel(approach=approach, tuple_length=k)
            axes.plot(
                _places(approach, k, values.size),
                np.log(values),
                color=color,
                marker=marker,
                linestyle="none",
                markersize=3,
                alpha=0.7,
                label=label if k == snr["tuple_length"][0] else None,
            )
    _draw_level(axes, 1 / int(snr["tuples"].max()), "floor 1/m", "0.5")
    _draw_upper_limits(axes, snr.sel(estimator="sampled", approach="end_to_end")["snr"])
    axes.set_title("As published: plug-in estimate")


def _draw_published(axes: Axes, snr: xr.Dataset, height: Mapping[str, list[float]]) -> None:
    """The published heights, scaled so that decomposition has the mean over k that is measured here."""
    measured = snr["snr"].sel(estimator="recombined", approach="decomposition")
    here = statistics.geometric_mean(measured.values.ravel()).value
    scale = here / statistics.geometric_mean(height["decomposition"]).value
    for approach, (_, _, marker, place) in STYLES.items():
        axes.plot(
            np.arange(1, 5) + place,
            np.log(np.multiply(scale, height[approach])),
            color=plotting.BLACK,
            marker=marker,
            markerfacecolor="white",
            markersize=5,
            linestyle="none",
            zorder=3,
            label="published" if approach == "decomposition" else None,
        )


def _draw_unbiased(axes: Axes, snr: xr.Dataset) -> None:
    lengths = snr["tuple_length"].values
    for approach, (label, color, marker, place) in STYLES.items():
        cells = snr.sel(estimator="recombined", approach=approach)
        for k in lengths:
            _draw_intervals(axes, _places(approach, k, snr.sizes["seed"]), cells.sel(tuple_length=k), color)
        means = [statistics.geometric_mean(cells["snr"].sel(tuple_length=k)).value for k in lengths]
        axes.plot(
            lengths + place,
            np.log(means),
            color=color,
            marker=marker,
            markersize=5.5,
            markeredgecolor="white",
            label=label,
        )
    _draw_level(axes, 1 / int(snr["tuples"].max()), "floor 1/m", "0.5")
    _draw_level(axes, FLOAT32_RESOLUTION, "rounding of float32, 2$^{-48}$", plotting.GREEN)
    axes.set_title("Without its bias: recombined tuples")


def _draw_intervals(axes: Axes, places: np.ndarray, cell: xr.Dataset, color: str) -> None:
    """Intervals of each seed; an arrow down from the upper end where the interval holds 0."""
    detected = (cell["snr_lower_limit"] > 0).values
    seen, unseen = cell.isel(seed=detected), cell.isel(seed=~detected)
    value, low, high = (np.log(seen[name]) for name in ("snr", "snr_lower_limit", "snr_upper_limit"))
    axes.errorbar(
        places[detected],
        value,
        yerr=[value - low, high - value],
        fmt=".",
        color=color,
        markersize=2.5,
        elinewidth=0.8,
    )
    axes.errorbar(
        places[~detected],
        np.log(unseen["snr_upper_limit"]),
        yerr=1,
        uplims=True,
        fmt="none",
        color=color,
        elinewidth=0.8,
        capsize=1.5,
    )


def _draw_upper_limits(axes: Axes, sampled: xr.DataArray) -> None:
    """What the mean over seeds can be at most, by the sampled estimate, where its interval holds 0."""
    means = {k: statistics.mean(sampled.sel(tuple_length=k)) for k in sampled["tuple_length"].values}
    limits = {k: mean.high for k, mean in means.items() if mean.low <= 0 < mean.high < np.inf}
    axes.errorbar(
        np.array(list(limits)) + 0.3,
        np.log(list(limits.values())),
        yerr=0.6,
        uplims=True,
        fmt="none",
        color=plotting.VERMILION,
        capsize=2.5,
        label="end-to-end, without bias: at most",
    )


def _draw_level(axes: Axes, level: float, text: str, color: str) -> None:
    axes.axhline(np.log(level), color=color, linewidth=0.9, linestyle="--")
    axes.annotate(
        text,
        (0.02, np.log(level)),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2.5),
        textcoords="offset points",
        color=color,
        fontsize=7.5,
    )


def _places(approach: str, tuple_length: int, seeds: int) -> np.ndarray:
    return tuple_length + STYLES[approach][-1] + np.linspace(-SPREAD, SPREAD, seeds)
