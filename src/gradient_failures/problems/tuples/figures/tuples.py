"""Figure 3: accuracy on tuples against training steps, end-to-end and by decomposition."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting
from gradient_failures.results.runs import completed

BEST: dict[str, Any] = {"linewidth": 0.9, "linestyle": ":"}


def draw(tuples: xr.Dataset, image_ceiling: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """A column for each tuple length: accuracy on tuples above, of the sign of the score on images below.

    Parameters
    ----------
    tuples : ``accuracy`` and ``image_accuracy`` (approach, tuple_length, seed, step).
    image_ceiling : best ``accuracy`` (rasterisation), and ``tuple_accuracy`` (rasterisation, tuple_length).
    published : the content of ``published.yaml``.
    """
    lengths, seeds = tuples["tuple_length"].values, tuples.sizes["seed"]
    figure, panels = plotting.panels(4.0, 2, len(lengths), sharex=True, sharey="row", squeeze=False)
    for k, (above, below) in zip(lengths, panels.T, strict=True):
        for approach, (label, color, _) in plotting.APPROACHES.items():
            runs = completed(tuples.sel(approach=approach, tuple_length=k))
            plotting.draw_few_or_many(above, runs["accuracy"], color, label)
            plotting.draw_few_or_many(below, runs["image_accuracy"], color, label)
            curve = published["accuracy"][approach].get(int(k))
            plotting.draw_published(above, curve, int(runs["step"][-1]))
        draw_ceiling(above, image_ceiling, k, plotting.GREEN, "best possible")
        best = image_ceiling["accuracy"].sel(rasterisation="released")
        below.axhline(float(best), color=plotting.GREEN, **BEST)
        for panel in (above, below):
            plotting.draw_chance(panel)
        above.set_title(f"k = {k} ({seeds} runs each)")
    above, below = panels[:, 0]
    _set_steps(above)
    last = int(tuples["step"][-1])
    plotting.describe(above, y=tuples["accuracy"], xlim=(0, last), ylim=(0.43, 1.0))
    below.set_ylabel("accuracy of the sign of the score\non single images")
    figure.legend(*above.get_legend_handles_labels(), loc="outside upper right", ncols=5)
    figure.supxlabel(plotting.axis_label(tuples["step"]))
    return figure


def draw_ceiling(
    axes: Axes, image_ceiling: xr.Dataset, tuple_length: int, color: str, label: str | None = None
) -> None:
    """Draw the best accuracy possible on tuples of this length, if it is in the data."""
    best = image_ceiling["tuple_accuracy"].sel(rasterisation="released")
    for value in best.sel(tuple_length=best["tuple_length"] == tuple_length):
        axes.axhline(float(value), color=color, label=label, **BEST)


def _set_steps(axes: Axes) -> None:
    """Steps on a linear scale up to 100 and a logarithmic one beyond: the approaches differ tenfold."""
    axes.set_xscale("symlog", linthresh=100, linscale=0.4)
    axes.set_xticks([0, 100, 1000, 10000], ["0", "100", "1k", "10k"])
    axes.set_xticks([], minor=True)
