"""How all figures look, and how they are saved."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import FuncFormatter

from gradient_failures.provenance import origin
from gradient_failures.provenance.files import atomic
from gradient_failures.results import statistics

mpl.use("Agg")

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
"""Colours of Okabe and Ito, which people with any colour vision tell apart."""

RUN: dict[str, Any] = {"linewidth": 0.4, "alpha": 0.35}
SINGLE: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.9}
MEDIAN: dict[str, Any] = {"linewidth": 1.6}
POINT: dict[str, Any] = {"linestyle": "none", "markersize": 3.5, "alpha": 0.7}
PUBLISHED: dict[str, Any] = {"linewidth": 1.1, "linestyle": (0, (3, 1.5)), "color": BLACK}

RESOLUTION = {".svg": 120, ".png": 200, ".pdf": 200}
"""Dots per inch of a picture, or of the thin runs in it; few in SVG, which the report holds."""

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "gradient-failures",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the style of this project while drawing and saving."""
    with mpl.rc_context(_STYLE):
        yield


def save(figure: Figure, paths: Iterable[str], attributes: Mapping[str, Any]) -> None:
    """Write ``figure`` to each of ``paths`` (.svg, .png, .pdf) with its provenance inside."""
    text = origin.as_text(attributes)
    metadata = {
        ".svg": {"Title": attributes["title"], "Description": text, "Date": None, "Creator": None},
        ".png": {"Title": attributes["title"], "Description": text, "Software": attributes["source"]},
        ".pdf": {"Title": attributes["title"], "Subject": text, "CreationDate": None},
    }
    for path in paths:
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata[temporary.suffix], dpi=RESOLUTION[temporary.suffix])


def axis_label(variable: xr.DataArray) -> str:
    """Axis label from a variable's own ``long_name`` and ``units``."""
    name, units = variable.attrs["long_name"], variable.attrs["units"]
    return str(name) if units == "1" else f"{name} ({units})"


def panel_grid(figure: FigureBase, count: int, columns: int) -> list[Axes]:
    """``count`` panels that share their y axis, in rows of ``columns``; the last row may end early."""
    panels = figure.subplots(-(-count // columns), columns, sharey=True, squeeze=False).ravel()
    for unused in panels[count:]:
        unused.set_axis_off()
    return list(panels[:count])


def draw_chance(axes: Axes) -> None:
    """Draw the line of accuracy 1/2, behind everything."""
    axes.axhline(0.5, color="0.6", linewidth=0.6, zorder=0)


def draw_runs(
    axes: Axes, curves: xr.DataArray, color: str, label: str, band_label: str | None = None
) -> None:
    """Draw ``curves`` (seed, step): every run thin, their median, and the band of the middle half."""
    steps = curves["step"]
    axes.plot(steps, curves.transpose("step", "seed"), color=color, rasterized=True, **RUN)
    low, median, high = curves.quantile([0.25, 0.5, 0.75], "seed").transpose("quantile", "step")
    axes.fill_between(steps, low, high, color=color, alpha=0.25, linewidth=0, label=band_label)
    axes.plot(steps, median, color=color, label=label, **MEDIAN)


def draw_each_run(axes: Axes, curves: xr.DataArray, color: str, label: str) -> None:
    """Draw ``curves`` (seed, step) of runs that are too few for a median."""
    first, *_ = axes.plot(curves["step"], curves.transpose("step", "seed"), color=color, **SINGLE)
    first.set_label(label)


def draw_points(axes: Axes, values: xr.DataArray, color: str, marker: str, label: str) -> None:
    """Draw ``values`` (x, seed) as one marker for each run."""
    (dim,) = set(values.dims) - {"seed"}
    positions = np.repeat(values[dim].values[:, np.newaxis], values.sizes["seed"], axis=1)
    points = values.transpose(dim, "seed").values
    axes.plot(positions.ravel(), points.ravel(), color=color, marker=marker, label=label, **POINT)


def draw_published(axes: Axes, curve: Mapping[str, Any], last: int, label: str | None) -> None:
    """Draw a published curve, ``step`` and ``value``, up to the step ``last``."""
    step, value = np.array(curve["step"]), np.array(curve["value"])
    shown = step <= last
    axes.plot(step[shown], value[shown], label=label, **PUBLISHED)


def draw_rates(axes: Axes, at: Iterable[float], reached: xr.DataArray, **line: Any) -> None:
    """Draw success rates with their Wilson intervals.

    Parameters
    ----------
    at : positions on the x axis.
    reached : whether each run succeeded, shape (position, seed).
    """
    rates = [statistics.rate(int(runs.sum()), runs.size) for runs in reached.values]
    values = np.array([rate.value for rate in rates])
    bars = [values - [rate.low for rate in rates], [rate.high for rate in rates] - values]
    axes.errorbar(list(at), values, yerr=np.maximum(bars, 0), capsize=2, elinewidth=0.9, **line)


def thousands(axes: Axes) -> None:
    """Label the ticks of a step axis in thousands."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: "0" if step == 0 else f"{step / 1000:g}k"))
