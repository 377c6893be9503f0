"""Figure 3: accuracy on tuples against training steps, end-to-end and by decomposition."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures import plotting
from gradient_failures.dataset import completed
from gradient_failures.diagnostics.image_ceiling import tuple_ceiling

TITLE = "Figure 3: end-to-end against decomposition on tuples of images"

STYLES = {
    "end_to_end": ("end-to-end", plotting.VERMILION),
    "decomposition": ("decomposition", plotting.BLUE),
}
"""Label and colour of each approach."""

FEW = 5
"""Runs from which on their median and quartiles say more than each of them."""


def draw(tuples: xr.Dataset, ceiling: xr.Dataset, published: Mapping[str, Any]) -> Figure:
    """A column for each tuple length: accuracy on tuples above, of the sign of the score on images below.

    Parameters
    ----------
    tuples : ``accuracy`` and ``image_accuracy`` (approach, tuple_length, seed, step).
    ceiling : ``accuracy`` (rasterisation) of the best classifier of single images.
    published : the content of ``config/published.yaml``.
    """
    lengths = tuples["tuple_length"].values
    best = float(ceiling["accuracy"].sel(rasterisation="released"))
    draw_runs = plotting.draw_runs if tuples.sizes["seed"] >= FEW else plotting.draw_each_run
    figure = Figure(figsize=(7.2, 4.0))
    panels = figure.subplots(2, len(lengths), sharex=True, sharey="row", squeeze=False)
    for column, k in enumerate(lengths):
        above, below = panels[:, column]
        for approach, (label, color) in STYLES.items():
            runs = completed(tuples.sel(approach=approach, tuple_length=k))
            draw_runs(above, runs["accuracy"], color, label)
            draw_runs(below, runs["image_accuracy"], color, label)
            curve = published["figure_3"]["accuracy"].get(f"{approach}_k{k}")
            if curve:
                last = int(runs["step"][-1])
                plotting.draw_published(above, curve, last, "published" if approach == "end_to_end" else None)
        _draw_bounds(above, tuple_ceiling(best, int(k)))
        _draw_bounds(below, best)
        above.set_title(f"k = {k} ({tuples.sizes['seed']} runs each)")
    _set_axes(panels[0, 0], panels[1, 0], tuples)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=5)
    figure.supxlabel(plotting.axis_label(tuples["step"]), fontsize=8)
    return figure


def _draw_bounds(axes: Axes, ceiling: float) -> None:
    """Chance, and the best accuracy possible."""
    plotting.draw_chance(axes)
    axes.axhline(ceiling, color=plotting.GREEN, linewidth=0.9, linestyle=":", label="best possible")


def _set_axes(above: Axes, below: Axes, tuples: xr.Dataset) -> None:
    """Steps on a linear scale up to 100 and a logarithmic one beyond: the approaches differ tenfold."""
    above.set_xscale("symlog", linthresh=100, linscale=0.4)
    above.set_xticks([0, 100, 1000, 10000], ["0", "100", "1k", "10k"])
    above.set_xticks([], minor=True)
    above.set_xlim(0, int(tuples["step"][-1]))
    above.set_ylabel(plotting.axis_label(tuples["accuracy"]))
    below.set_ylabel("accuracy of the sign of the score\non single images")
    above.set_ylim(0.43, 1.0)
