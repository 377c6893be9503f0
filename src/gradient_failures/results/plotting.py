"""How all figures look, and how they are saved."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from gradient_failures.provenance import origin
from gradient_failures.provenance.files import atomic
from gradient_failures.results.runs import FEW_RUNS

mpl.use("Agg")

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
COLORS = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK]
"""Colours of Okabe and Ito, which people with any colour vision tell apart, in the order of their use."""

MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
"""Markers that go with the colours."""

Look = tuple[str, str, str]
"""Label, colour and marker."""

APPROACHES: dict[str, Look] = {
    "end_to_end": ("end-to-end", VERMILION, "s"),
    "decomposition": ("decomposition", BLUE, "o"),
}
"""The two approaches that more than one problem compares."""

RUN: dict[str, Any] = {"linewidth": 0.4, "alpha": 0.35}
SINGLE: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.9}
MEDIAN: dict[str, Any] = {"linewidth": 1.6}
POINT: dict[str, Any] = {"linestyle": "none", "alpha": 0.7}
AT_MOST: dict[str, Any] = {"linestyle": "none", "marker": "v", "markersize": 5}
THEORY: dict[str, Any] = {"linewidth": 0.9, "color": "0.3"}
PUBLISHED: dict[str, Any] = {"linewidth": 1.1, "linestyle": (0, (3, 1.5)), "color": BLACK}
PUBLISHED_DOT: dict[str, Any] = {"linestyle": "none", "markersize": 5, "markeredgecolor": BLACK, "zorder": 3}

Words = xr.DataArray | str | None
"""The text of a label, or the variable that it names."""

WIDTH = 7.2
"""Inches across a figure."""

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
    "figure.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.markersize": 3.5,
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


def panels(height: float, rows: int, columns: int, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of this height in inches, and its panels, as ``Figure.subplots`` makes them."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(rows, columns, **options)


def parts(*heights: float) -> tuple[Figure, np.ndarray]:
    """A figure of parts of these heights in inches, from the top."""
    figure = Figure(figsize=(WIDTH, sum(heights)))
    return figure, figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]


def panel_grid(figure: FigureBase, count: int, columns: int) -> list[Axes]:
    """``count`` panels that share their y axis, in rows of ``columns``; the last row may end early."""
    panels = figure.subplots(-(-count // columns), columns, sharey=True, squeeze=False).ravel()
    for unused in panels[count:]:
        unused.set_axis_off()
    return list(panels[:count])


def curves_above(curves: xr.DataArray, axis: str, below: float) -> tuple[Figure, list[Axes], SubFigure]:
    """A figure with a panel of learning curves for each value of ``axis``, three in a row.

    Returns
    -------
    The figure, the panels, and the part of ``below`` inches for what is drawn below them.
    """
    rows = -(-curves.sizes[axis] // 3)
    figure, (upper, lower) = parts(1.9 * rows, below)
    upper.supxlabel(axis_label(curves["step"]))
    upper.supylabel(axis_label(curves))
    return figure, panel_grid(upper, curves.sizes[axis], 3), lower


def axis_label(variable: xr.DataArray) -> str:
    """Axis label from a variable's own ``long_name`` and ``units``."""
    name, units = variable.attrs["long_name"], variable.attrs["units"]
    return str(name) if units == "1" else f"{name} ({units})"


def describe(
    axes: Axes, title: Words = None, x: Words = None, y: Words = None, legend: Any = None, **settings: Any
) -> None:
    """Title and label ``axes``, place a legend, and apply ``settings`` of matplotlib in their order.

    What is not given stays as it is.
    """
    for name, text in {"title": title, "xlabel": x, "ylabel": y}.items():
        if text is not None:
            settings[name] = axis_label(text) if isinstance(text, xr.DataArray) else text
    axes.set(**settings)
    if legend:
        axes.legend(loc=legend)


def mark_values(axes: Axes, variable: xr.DataArray, scale: str = "linear") -> None:
    """Label the x axis with ``variable``, and its ticks with the values of it and no others."""
    axes.set_xscale(scale)
    axes.set_xticks(variable.values, [str(value) for value in variable.values])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(axis_label(variable))


def thousands(axes: Axes) -> None:
    """Label the ticks of a step axis in thousands."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: "0" if step == 0 else f"{step / 1000:g}k"))


def colors(values: ArrayLike) -> dict[Any, Any]:
    """A colour for each of ``values``; of more than there are colours, shades."""
    names = np.asarray(values).tolist()
    return dict(zip(names, COLORS if len(names) <= len(COLORS) else shades(len(names)), strict=False))


def shades(count: int) -> np.ndarray:
    """Colours that show an order, shape (count, 4)."""
    return mpl.colormaps["viridis"](np.linspace(0, 0.9, count))


def spread(count: int, shown: int) -> np.ndarray:
    """Indices of at most ``shown`` of ``count`` values, even from the first to the last."""
    return np.linspace(0, count - 1, min(count, shown)).round().astype(int)


def draw_chance(axes: Axes) -> None:
    """Draw the line of accuracy 1/2, behind everything."""
    axes.axhline(0.5, color="0.6", linewidth=0.6, zorder=0)


def draw_runs(
    axes: Axes, curves: xr.DataArray, color: str, label: str, band_label: str | None = None, **line: Any
) -> None:
    """Draw ``curves`` (seed, step): every run thin, their median, and the band of the middle half."""
    steps = curves["step"]
    axes.plot(steps, curves.transpose("step", "seed"), color=color, rasterized=True, **RUN)
    low, median, high = curves.quantile([0.25, 0.5, 0.75], "seed").transpose("quantile", "step")
    axes.fill_between(steps, low, high, color=color, alpha=0.25, linewidth=0, label=band_label)
    axes.plot(steps, median, color=color, label=label, **MEDIAN, **line)


def draw_each_run(axes: Axes, curves: xr.DataArray, color: str, label: str) -> None:
    """Draw ``curves`` (seed, step) of runs that are too few for a median."""
    first, *_ = axes.plot(curves["step"], curves.transpose("step", "seed"), color=color, **SINGLE)
    first.set_label(label)


def draw_few_or_many(axes: Axes, curves: xr.DataArray, color: str, label: str) -> None:
    """Draw ``curves`` (seed, step) with a median if there are runs enough for one."""
    draw = draw_each_run if curves.sizes["seed"] < FEW_RUNS else draw_runs
    draw(axes, curves, color, label)


def side_by_side(at: ArrayLike, seeds: int, width: float) -> np.ndarray:
    """Places of the seeds over ``width`` around each position, shape (position, seed)."""
    aside = np.linspace(-width / 2, width / 2, seeds) if seeds > 1 else np.zeros(1)
    return np.asarray(at)[:, np.newaxis] + aside


def draw_points(
    axes: Axes, values: xr.DataArray, look: Look, at: ArrayLike | None = None, width: float = 0
) -> None:
    """Draw ``values`` (x, seed) as one marker for each run, seeds side by side over ``width``.

    Parameters
    ----------
    at : positions on the x axis; the values of the dimension x if not given.
    """
    label, color, marker = look
    (dim,) = set(values.dims) - {"seed"}
    places = side_by_side(values[dim] if at is None else at, values.sizes["seed"], width)
    points = values.transpose(dim, "seed").values
    axes.plot(places.ravel(), points.ravel(), color=color, marker=marker, label=label, **POINT)


def draw_intervals(
    axes: Axes, x: ArrayLike, value: ArrayLike, low: ArrayLike, high: ArrayLike, color: Any
) -> None:
    """Draw values with their intervals, all of one shape; where ``low`` is NaN, a triangle at ``high``."""
    x, value, low, high = map(np.asarray, (x, value, low, high))
    seen, unseen = np.isfinite(low), np.isnan(low)
    bars = np.array([value - low, high - value])[:, seen]
    axes.errorbar(x[seen], value[seen], bars, color=color, marker="o", linestyle="none", elinewidth=0.8)
    axes.plot(x[unseen], high[unseen], color=color, **AT_MOST)


def draw_published(axes: Axes, curve: Mapping[str, Any] | None, last: int) -> None:
    """Draw a published curve, ``step`` and ``value``, up to the step ``last``, if there is one."""
    if curve:
        shown = np.array(curve["step"]) <= last
        label = None if "published" in axes.get_legend_handles_labels()[1] else "published"
        axes.plot(np.array(curve["step"])[shown], np.array(curve["value"])[shown], label=label, **PUBLISHED)
