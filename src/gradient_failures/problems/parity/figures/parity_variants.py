"""Variants of the parity experiment: depth and width of the network, encoding of the inputs."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting, statistics

STYLES = [(plotting.BLUE, "o"), (plotting.VERMILION, "s"), (plotting.GREEN, "^"), (plotting.PURPLE, "D")]


def draw(parity_architecture: xr.Dataset, parity_encoding: xr.Dataset) -> Figure:
    """Late accuracy of every run, by architecture at the largest dimension and by input encoding.

    Parameters
    ----------
    parity_architecture : ``accuracy`` (dim, architecture, seed, step).
    parity_encoding : ``accuracy`` (dim, input_encoding, seed, step).
    """
    figure = Figure(figsize=(7.2, 2.7))
    left, right = figure.subplots(1, 2, sharey=True)
    largest = parity_architecture.sel(dim=parity_architecture["dim"].max())
    _draw_groups(left, [str(name) for name in largest["architecture"].values], [largest["accuracy"]], [""])
    left.set_xlabel(plotting.axis_label(parity_architecture["architecture"]))
    left.set_ylabel("mean accuracy, last quarter")
    left.set_title(f"Depth and width, d = {int(largest['dim'])}")

    names = {"signs": "inputs ±1 (released code)", "bits": "inputs 0 and 1 (text)"}
    keys = [str(name) for name in parity_encoding["input_encoding"].values]
    groups = [parity_encoding["accuracy"].sel(input_encoding=name) for name in keys]
    _draw_groups(
        right, [f"d = {dim}" for dim in parity_encoding["dim"].values], groups, [names[key] for key in keys]
    )
    right.set_title("Input encoding")
    right.legend()
    return figure


def _draw_groups(axes: Axes, ticks: list[str], groups: list[xr.DataArray], labels: list[str]) -> None:
    """One dot for each run of each group (tick, seed, step), groups side by side at each tick."""
    plotting.draw_chance(axes)
    for index, (accuracy, label) in enumerate(zip(groups, labels, strict=True)):
        late = statistics.late_mean(accuracy)
        color, marker = STYLES[index]
        spread = np.linspace(-0.08, 0.08, late.sizes["seed"]) + 0.3 * (index - (len(groups) - 1) / 2)
        positions = np.arange(len(ticks))[:, np.newaxis] + spread
        axes.plot(
            positions.ravel(),
            late.values.ravel(),
            linestyle="none",
            marker=marker,
            markersize=3.5,
            color=color,
            alpha=0.7,
            label=label,
        )
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_ylim(0.4, 1.02)
