"""Figure 3: accuracy on tuples against training steps, end-to-end and by decomposition."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.problems.tuples.settings import FEW_RUNS
from gradient_failures.results import plotting
from gradient_failures.results.runs import completed

STYLES = {
    "end_to_end": ("end-to-end", plotting.VERMILION),
    "decomposition": ("decomposition", plotting.BLUE),
}
"""Label and colour of each approach."""


def draw(tuples: xr.Dataset, image_ceiling: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """A column for each tuple length: accuracy on tuples above, of the sign of the score on images below.

    Parameters
    ----------
    tuples : ``accuracy`` and ``image_accuracy`` (approach, tuple_length, seed, step).
    image_ceiling : best ``accuracy`` (rasterisation), and ``tuple_accuracy`` (rasterisation, tuple_length).
    published : the content of ``published.yaml``.
    """
    lengths = tuples["tuple_length"].values
    draw_runs = plotting.draw_runs if tuples.sizes["seed"] >= FEW_RUNS else plotting.draw_each_run
    figure = Figure(figsize=(7.2, 4.0))
    panels = figure.subplots(2, len(lengths), sharex=True, sharey="row", squeeze=False)
    for column, k in enumerate(lengths):
        above, below = panels[:, column]
        for approach, (label, color) in STYLES.items():
            runs = completed(tuples.sel(approach=approach, tuple_length=k))
            draw_runs(above, runs["accuracy"], color, label)
            draw_runs(below, runs["image_accuracy"], color, label)
            curve = published["accuracy"][approach].get(int(k))
            if curve:
                last = int(runs["step"][-1])
                plotting.draw_published(above, curve, last, "published" if approach == "end_to_end" else None)
        plotting.draw_chance(above)
        draw_ceiling(above, image_ceiling, k, plotting.GREEN, "best possible")
        plotting.draw_chance(below)
        _draw_best(below, image_ceiling["accuracy"].sel(rasterisation="released"), plotting.GREEN)
        above.set_title(f"k = {k} ({tuples.sizes['seed']} runs each)")
    _set_axes(panels[0, 0], panels[1, 0], tuples)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=5)
    figure.supxlabel(plotting.axis_label(tuples["step"]), fontsize=8)
    return figure


def draw_ceiling(
    axes: Axes, image_ceiling: xr.Dataset, tuple_length: int, color: str, label: str | None = None
) -> None:
    """Draw the best accuracy possible on tuples of this length, if it is in the data."""
    best = image_ceiling["tuple_accuracy"].sel(rasterisation="released")
    for value in best.sel(tuple_length=best["tuple_length"] == tuple_length):
        _draw_best(axes, value, color, label)


def _draw_best(axes: Axes, accuracy: xr.DataArray, color: str, label: str | None = None) -> None:
    axes.axhline(float(accuracy), color=color, linewidth=0.9, linestyle=":", label=label)


def _set_axes(above: Axes, below: Axes, tuples: xr.Dataset) -> None:
    """Steps on a linear scale up to 100 and a logarithmic one beyond: the approaches differ tenfold."""
    above.set_xscale("symlog", linthresh=100, linscale=0.4)
    above.set_xticks([0, 100, 1000, 10000], ["0", "100", "1k", "10k"])
    above.set_xticks([], minor=True)
    above.set_xlim(0, int(tuples["step"][-1]))
    above.set_ylabel(plotting.axis_label(tuples["accuracy"]))
    below.set_ylabel("accuracy of the sign of the score\non single images")
    above.set_ylim(0.43, 1.0)
