"""The report: one self-contained page with every verdict and the evidence behind it, and its summary."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import xarray as xr
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from scipy.special import comb

from gradient_failures import dataflow, statistics
from gradient_failures.claims import Verdict, share_of_bound
from gradient_failures.config.claims import Claim, Criterion
from gradient_failures.config.snr import FLOAT32_RESOLUTION
from gradient_failures.dataset import completed
from gradient_failures.diagnostics.image_ceiling import tuple_ceiling
from gradient_failures.statistics import Estimate
from gradient_failures.wording import describe, describe_metric, interval, number

SYMBOLS = {
    Verdict.REPRODUCED: "✔",
    Verdict.PARTLY: "◐",
    Verdict.NOT_REPRODUCED: "✘",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_RUN: "–",
}

LEGEND = {
    Verdict.REPRODUCED: "the interval meets the criterion",
    Verdict.NOT_REPRODUCED: "it lies outside",
    Verdict.INCONCLUSIVE: "it straddles, or the run was too small",
    Verdict.PARTLY: "some grid points one way, some the other",
    Verdict.NOT_RUN: "its data are not part of the run",
}
"""What each verdict means."""


def render(
    template: Path,
    *,
    project: str,
    style: str,
    verdicts: Mapping[str, Any],
    figures: Mapping[str, bytes],
    metrics: Mapping[str, xr.Dataset],
    costs: xr.Dataset,
    data_by_rule: Mapping[str, Sequence[str]],
    data_by_figure: Mapping[str, Sequence[str]],
    deviations: Sequence[Mapping[str, str]],
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> str:
    """The page as HTML, or its summary as Markdown; in HTML every value from data is escaped.

    Parameters
    ----------
    template : the Jinja template; the parts it includes lie in folders beside it.
    project : relative address of the project's folder, as seen from the page.
    verdicts : the content of ``claims.json``.
    figures : SVG images by name.
    metrics : datasets by name.
    costs : the cost of each rule, see :mod:`gradient_failures.costs`.
    data_by_rule, data_by_figure : names of the datasets that a rule makes, or that a figure is drawn from.
    deviations : the content of ``config/deviations.yaml``.
    config : the resolved configuration.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "interval": interval,
        "series": series,
        "learning_table": learning_table,
        "mean": statistics.mean,
        "geometric_mean": statistics.geometric_mean,
        "late_mean": late_mean,
        "completed": completed,
        "extent": extent,
        "tightest": tightest,
        "share_of_small_targets": share_of_small_targets,
        "updates_to": updates_to,
        "datasets": datasets,
        "commits": commits,
        "duration": duration,
        "markdown": markdown,
        "slug": lambda verdict: verdict.lower().replace(" ", "-"),
        "criterion": lambda criterion: describe(Criterion(**criterion)),
        "quantity": lambda claim: describe_metric(Claim(**claim)),
        "yaml": lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True),
    }
    environment.globals |= {"tuple_ceiling": tuple_ceiling, "float32_resolution": FLOAT32_RESOLUTION}
    results = verdicts["results"]
    return environment.get_template(template.name).render(
        project=project,
        style=Markup(style),
        results=results,
        summary=summary(results),
        symbols=SYMBOLS,
        legend=LEGEND,
        figures={name: data_uri(image) for name, image in figures.items()},
        metrics=metrics,
        costs=costs,
        data_by_rule=data_by_rule,
        data_by_figure=data_by_figure,
        flow=dataflow.layout(data_by_rule, data_by_figure),
        deviations=deviations,
        config=config,
        provenance=provenance,
    )


def summary(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Verdicts on the paper's experiments and on its theorems, and whether the run was a full one."""
    paper = [result for result in results if result["claim"]["kind"] == "paper"]
    return {
        "experiments": Counter(result["verdict"] for result in paper if not result["claim"]["theorem"]),
        "theory": Counter(result["verdict"] for result in paper if result["claim"]["theorem"]),
        "reduced": sum(result["reduced"] for result in results),
        "not_run": sum(result["verdict"] == Verdict.NOT_RUN for result in results),
    }


def learning_table(accuracy: xr.DataArray, level: float) -> list[dict[str, Any]]:
    """How often and how fast runs learn, one row for each value of the first axis of ``accuracy``.

    Parameters
    ----------
    accuracy : shape (axis, seed, step).
    level : the accuracy that counts as learnt.

    Returns
    -------
    Rows with ``value`` of the axis, success ``rate`` with its interval, and ``steps`` to ``level``: median
    over the runs, infinite unless more than half learn, with the fastest and the slowest run.
    """
    passage = statistics.first_passage(accuracy, level)
    return [
        {
            "value": value,
            "rate": statistics.rate(int(np.isfinite(steps).sum()), steps.size),
            "steps": statistics.observed_range(steps),
        }
        for value, steps in zip(accuracy[accuracy.dims[0]].values, passage.values, strict=True)
    ]


def late_mean(runs: xr.Dataset, variable: str) -> Estimate:
    """Mean over runs of ``variable`` (seed, step) over the last quarter of their training."""
    return statistics.mean(statistics.late_mean(completed(runs)[variable]))


def series(values: Sequence[Any]) -> str:
    """Values in words: "5, 10 and 30"."""
    words = [str(value) for value in values]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def extent(data: xr.DataArray, cells: Sequence[Mapping[str, Any]]) -> str:
    """The range that ``cells`` of ``data`` cover, in words, but for the axes that tell the cells apart.

    Numeric axes are given by their span, seeds by their number.
    """
    parts = []
    for axis in data.dims:
        values, name = data[axis].values, data[axis].attrs["long_name"]
        if any(axis in cell for cell in cells):
            continue
        if axis == "seed":
            parts.append(f"{values.size} seeds")
        elif values.dtype.kind in "if" and values.size > 1:
            parts.append(f"{name} from {number(values.min())} to {number(values.max())}")
        else:
            parts.append(f"{name}: {series(values.tolist())}")
    return "; ".join(parts)


def tightest(result: Mapping[str, Any]) -> dict[str, Any]:
    """Of a judged claim the cell that takes up most of what the criterion allows, with this ``share``.

    The share is NaN where there is no such number: for an interval without an end, or a bound of 0.
    """
    criterion = Criterion(**result["claim"]["criterion"])
    shares = [
        math.nan
        if None in cell["estimate"].values()
        else share_of_bound(Estimate(**cell["estimate"]), criterion)
        for cell in result["cells"]
    ]
    worst = int(np.argmax(np.nan_to_num(shares, nan=-1)))
    return {**result["cells"][worst], "share": shares[worst]}


def share_of_small_targets(signal: xr.DataArray) -> float:
    """Share of targets of at most two bits in the variance across all, median over seeds.

    Parameters
    ----------
    signal : mean signal of the targets of each size, over (seed, subset_size).
    """
    size = signal["subset_size"]
    total = signal * comb(size.size - 1, size)
    return float((total.sel(subset_size=size <= 2).sum("subset_size") / total.sum("subset_size")).median())


def updates_to(error: xr.DataArray, level: float) -> float:
    """First recorded iteration at which ``error`` (iteration,) is at most ``level``; infinite if never."""
    return float(error["iteration"].where(error <= level).min().fillna(np.inf))


def datasets(data_by_rule: Mapping[str, Sequence[str]], rules: Sequence[str]) -> list[str]:
    """Names of the datasets that ``rules`` make."""
    return [name for rule in rules for name in data_by_rule[rule]]


def commits(metrics: Iterable[xr.Dataset]) -> str:
    """The commits whose code trained or measured what is in the datasets, in order of name."""
    made = [data.attrs.get("runs_git_commit", data.attrs["git_commit"]) for data in metrics]
    return ", ".join(sorted({commit for names in made for commit in names.split()}))


def duration(seconds: float) -> str:
    """A time in the unit that suits it: "12 s", "3.4 min", "5.1 h"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def markdown(text: str) -> str:
    """``text`` in one line, with the signs that mean something in a Markdown table escaped."""
    return re.sub(r"([\\`*_<>|~$&]|(?<=\])\()", r"\\\1", " ".join(text.split()))


def data_uri(svg: bytes) -> str:
    """An SVG image as the address of an ``img``, so that the page is one file."""
    return "data:image/svg+xml," + quote(svg, safe=" /:;=,.-+()")
