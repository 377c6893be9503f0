"""Variants of the parity experiment: depth and width of the network, encoding of the inputs."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting, statistics

ENCODINGS = {"signs": "inputs ±1 (released code)", "bits": "inputs 0 and 1 (text)"}


def draw(parity_architecture: xr.Dataset, parity_encoding: xr.Dataset) -> Figure:
    """Late accuracy of every run, by architecture at the largest dimension and by input encoding.

    Parameters
    ----------
    parity_architecture : ``accuracy`` (dim, architecture, seed, step).
    parity_encoding : ``accuracy`` (dim, input_encoding, seed, step).
    """
    figure, (left, right) = plotting.panels(2.7, 1, 2, sharey=True)
    largest = parity_architecture["accuracy"].sel(dim=parity_architecture["dim"].max())
    architectures = largest["architecture"]
    _draw_groups(left, [str(name) for name in architectures.values], {"": largest})
    title = f"Depth and width, d = {int(largest['dim'])}"
    plotting.describe(left, title, architectures, "mean accuracy, last quarter")

    encoded = parity_encoding["accuracy"]
    groups = {ENCODINGS[name]: encoded.sel(input_encoding=name) for name in encoded["input_encoding"].values}
    _draw_groups(right, [f"d = {dim}" for dim in encoded["dim"].values], groups)
    plotting.describe(right, "Input encoding", legend="best")
    return figure


def _draw_groups(axes: Axes, ticks: list[str], groups: Mapping[str, xr.DataArray]) -> None:
    """One dot for each run of each group (tick, seed, step), groups side by side at each tick."""
    plotting.draw_chance(axes)
    for index, (label, accuracy) in enumerate(groups.items()):
        look = (label, plotting.COLORS[index], plotting.MARKERS[index])
        at = np.arange(len(ticks)) + 0.3 * (index - (len(groups) - 1) / 2)
        plotting.draw_points(axes, statistics.late_mean(accuracy), look, at, 0.16)
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_ylim(0.4, 1.02)
