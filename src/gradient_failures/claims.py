"""Judging claims: take the estimate that a claim names and hold it against its criterion."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures import statistics
from gradient_failures.config.claims import Claim, Criterion
from gradient_failures.dataset import LAST_STEP, completed
from gradient_failures.statistics import Estimate


class Verdict(StrEnum):
    """Outcome of a claim or of one of its cells."""

    REPRODUCED = "REPRODUCED"
    PARTLY = "PARTLY"
    NOT_REPRODUCED = "NOT REPRODUCED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_RUN = "NOT RUN"


class NotRun(LookupError):  # noqa: N818 - a verdict, not an error
    """The data has no runs at the cell that a claim asks for."""


@dataclass(frozen=True)
class CellResult:
    """The estimate at one cell of the grid, with its verdict."""

    cell: str
    estimate: Estimate
    measured: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class ClaimResult:
    """A claim, its verdict, the reason in words, and the cells behind it."""

    claim: Claim
    verdict: Verdict
    reduced: bool
    reason: str
    cells: list[CellResult]

    def as_json(self) -> dict[str, Any]:
        """The result as plain JSON types; an infinite number becomes null."""
        document = {
            "claim": self.claim.model_dump(mode="json"),
            "verdict": str(self.verdict),
            "reduced": self.reduced,
            "reason": self.reason,
            "cells": [asdict(cell) for cell in self.cells],
        }
        plain: dict[str, Any] = _plain(document)
        return plain


def judge(claim: Claim, dataset: xr.Dataset | None) -> ClaimResult:
    """Judge ``claim`` on ``dataset``; without the data it asks for, it is NOT RUN."""
    if dataset is None:
        return ClaimResult(claim, Verdict.NOT_RUN, False, f"{claim.data} is not part of this run", [])
    measure, options = METRICS[claim.metric], claim.options.model_dump(exclude_none=True)
    try:
        estimates = {_label(cell): measure(dataset, cell, **options) for cell in claim.select}
    except NotRun as missing:
        return ClaimResult(claim, Verdict.NOT_RUN, False, f"not part of this run: {missing}", [])
    cells = [_judge_cell(label, estimate, claim) for label, estimate in estimates.items()]
    shortfall = _shortfall(dataset, claim)
    verdict = summed_up([cell.verdict for cell in cells])
    reason = "; ".join(cell.reason for cell in cells)
    if shortfall and not claim.reduced_may_judge:
        verdict, reason = Verdict.INCONCLUSIVE, f"too small a run to judge ({shortfall}): {reason}"
    return ClaimResult(claim, verdict, bool(shortfall), reason, cells)


def meets(estimate: Estimate, criterion: Criterion) -> Verdict:
    """Hold the interval of ``estimate`` against ``criterion``; INCONCLUSIVE where it straddles."""
    if math.isnan(estimate.value):
        return Verdict.INCONCLUSIVE
    low, high = estimate.low, estimate.high
    if criterion.contains is not None:
        return Verdict.REPRODUCED if low <= criterion.contains <= high else Verdict.NOT_REPRODUCED
    floor, ceiling = _bounds(criterion)
    if floor <= low and high <= ceiling:
        return Verdict.REPRODUCED
    if high < floor or low > ceiling:
        return Verdict.NOT_REPRODUCED
    return Verdict.INCONCLUSIVE


def summed_up(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a claim from the verdicts on its cells."""
    if len(set(verdicts)) == 1:
        return verdicts[0]
    if Verdict.NOT_REPRODUCED not in verdicts:
        return Verdict.INCONCLUSIVE
    return Verdict.PARTLY if Verdict.REPRODUCED in verdicts else Verdict.NOT_REPRODUCED


def success_rate(dataset: xr.Dataset, cell: Mapping[str, Any], level: float) -> Estimate:
    """Share of runs whose accuracy reaches ``level`` at some evaluation."""
    passage = statistics.first_passage(_select(dataset, cell)["accuracy"], level)
    return statistics.rate(int(np.isfinite(passage).sum()), passage.size)


def mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean of ``variable`` over the seeds of a diagnostic."""
    return statistics.mean(_select(dataset, cell)[variable])


def geometric_mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Geometric mean of ``variable`` over the seeds of a diagnostic."""
    return statistics.geometric_mean(_select(dataset, cell)[variable])


def ratio(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Geometric mean over the seeds of a diagnostic of ``variable``, the first of a pair over the second."""
    first, second = (data[variable] for data in _pair(dataset, cell))
    return statistics.geometric_mean(first / second)


def late_mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean over runs of ``variable`` over the last quarter of training."""
    return statistics.mean(statistics.late_mean(_select(dataset, cell)[variable]))


def final_mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean over runs of ``variable`` at the last step."""
    return statistics.mean(_select(dataset, cell)[variable].isel(step=-1))


def mean_at(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str, step: int) -> Estimate:
    """Mean over runs of ``variable`` at one step of training."""
    data = _select(dataset, cell)
    if step not in data["step"].values:
        raise NotRun(f"step {step}")
    return statistics.mean(data[variable].sel(step=step))


def final_gap(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean over seeds of ``variable`` at the last step, the first minus the second of a pair.

    The cell names one axis with two values; the runs of a seed are compared with each other.
    """
    first, second = (data[variable].isel(step=-1) for data in _pair(dataset, cell))
    return statistics.mean(first - second)


def ends_at_most(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str, level: float) -> Estimate:
    """Share of runs whose ``variable`` is at or below ``level`` at the last step."""
    final = _select(dataset, cell)[variable].isel(step=-1)
    return statistics.rate(int((final <= level).sum()), final.size)


def final_ratio(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Geometric mean over seeds of ``variable`` at the last step, the first of a pair over the second."""
    first, second = (data[variable].isel(step=-1) for data in _pair(dataset, cell))
    return statistics.geometric_mean(first / second)


def first_passage(dataset: xr.Dataset, cell: Mapping[str, Any], level: float) -> Estimate:
    """Steps to accuracy ``level``: median and range over the runs."""
    return statistics.observed_range(statistics.first_passage(_select(dataset, cell)["accuracy"], level))


def slower(dataset: xr.Dataset, cell: Mapping[str, Any], level: float) -> Estimate:
    """Chance that a run of the second of a pair takes longer than one of the first.

    The cell names one axis with two values, e.g. ``{"dim": [5, 10]}``.
    """
    fast, slow = (statistics.first_passage(data["accuracy"], level) for data in _pair(dataset, cell))
    return statistics.probability_larger(slow, fast)


def exponent(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Exponent with which ``variable`` grows between two values of one axis; without runs, it is a point.

    The cell names the axis with its two values, e.g. ``{"n_points": [50, 100]}``; runs are paired by seed.
    """
    _, (low, high) = _paired_axis(cell)
    first, second = (data[variable] for data in _pair(dataset, cell))
    exponents = np.log(second / first) / np.log(high / low)
    if "seed" in exponents.dims:
        return statistics.mean(exponents)
    return Estimate(float(exponents), float(exponents), float(exponents), 1)


def largest(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Largest value of ``variable``; an exact computation, so its interval is a point."""
    values = _select(dataset, cell)[variable]
    value = float(values.max())
    return Estimate(value, value, value, values.size)


METRICS: dict[str, Callable[..., Estimate]] = {
    "success_rate": success_rate,
    "mean": mean,
    "geometric_mean": geometric_mean,
    "ratio": ratio,
    "late_mean": late_mean,
    "final_mean": final_mean,
    "mean_at": mean_at,
    "final_gap": final_gap,
    "ends_at_most": ends_at_most,
    "final_ratio": final_ratio,
    "first_passage": first_passage,
    "slower": slower,
    "exponent": exponent,
    "largest": largest,
}


def _select(dataset: xr.Dataset, cell: Mapping[str, Any]) -> xr.Dataset:
    for axis, value in cell.items():
        if value not in dataset[axis].values:
            raise NotRun(f"{axis} = {value}")
    return completed(dataset.sel(cell))


def _paired_axis(cell: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The axis of a cell that has a list of two values, and these values."""
    ((axis, values),) = [(axis, values) for axis, values in cell.items() if isinstance(values, list)]
    return axis, values


def _pair(dataset: xr.Dataset, cell: Mapping[str, Any]) -> list[xr.Dataset]:
    """The two parts of ``dataset`` that a cell compares."""
    axis, values = _paired_axis(cell)
    return [_select(dataset, {**cell, axis: value}) for value in values]


def _shortfall(dataset: xr.Dataset, claim: Claim) -> str:
    """In words, where the run stayed below the budget of ``claim``; empty if nowhere."""
    budget = claim.budget
    wanted = {"steps": budget.steps, "seeds": budget.seeds}
    have = {"steps": budget.steps, "seeds": dataset.sizes.get("seed", budget.seeds)}
    if LAST_STEP in dataset:
        have["steps"] = min(int(dataset.sel(cell)[LAST_STEP].min()) for cell in claim.select)
    short = [f"{have[name]} of {wanted[name]} {name}" for name in wanted if have[name] < wanted[name]]
    for axis, values in budget.covers.items():
        missing = [str(value) for value in values if value not in dataset[axis].values]
        short += [f"without {axis} {', '.join(missing)}"] if missing else []
    return ", ".join(short)


def _judge_cell(label: str, estimate: Estimate, claim: Claim) -> CellResult:
    verdict = meets(estimate, claim.criterion)
    measured = interval(estimate, "never" if claim.metric == "first_passage" else "∞")
    place = f" at {label}" if label else ""
    relation = {
        Verdict.REPRODUCED: "meets",
        Verdict.NOT_REPRODUCED: "misses",
        Verdict.INCONCLUSIVE: "straddles",
    }[verdict]
    reason = f"{describe_metric(claim)}{place} is {measured}, which {relation} “{describe(claim.criterion)}”"
    runs = f", n = {estimate.n}" if claim.budget.seeds else ""
    return CellResult(label, estimate, measured + runs, verdict, reason)


def describe_metric(claim: Claim) -> str:
    """The measured quantity in words."""
    level, step = claim.options.level, claim.options.step
    variable = str(claim.options.variable).replace("_", " ")
    return {
        "success_rate": f"the share of runs that reach accuracy {level}",
        "mean": f"the mean {variable}",
        "geometric_mean": f"the geometric mean {variable}",
        "ratio": f"the geometric mean ratio of {variable}s, the first over the second,",
        "late_mean": f"the mean {variable} over the last quarter of training",
        "final_mean": f"the mean final {variable}",
        "mean_at": f"the mean {variable} at step {step}",
        "final_gap": f"the mean difference in final {variable}, the first minus the second,",
        "ends_at_most": f"the share of runs whose final {variable} is at most {level}",
        "final_ratio": f"the geometric mean ratio of final {variable}s, the first over the second,",
        "first_passage": f"the median number of steps to accuracy {level}",
        "slower": f"the chance that the second takes longer to accuracy {level} than the first",
        "exponent": f"the growth exponent of {variable}",
        "largest": f"the largest {variable}",
    }[claim.metric]


def describe(criterion: Criterion) -> str:
    """The criterion in words."""
    if criterion.within is not None:
        return f"between {number(criterion.within[0])} and {number(criterion.within[1])}"
    if criterion.contains is not None:
        return f"range holds {number(criterion.contains)}"
    if criterion.at_least is not None:
        return f"at least {number(criterion.at_least)}"
    return f"at most {number(criterion.at_most or 0.0)}"


def share_of_bound(estimate: Estimate, criterion: Criterion) -> float:
    """How much of what the criterion allows the worse end of the interval takes up: it is met up to 1.

    NaN for a bound of 0 on one side, and where the criterion is that a value lies in the interval.
    """
    if criterion.within is not None:
        low, high = criterion.within
        middle, half = (low + high) / 2, (high - low) / 2
        return max(abs(estimate.low - middle), abs(estimate.high - middle)) / half
    if criterion.at_most is not None:
        worse, bound = estimate.high, criterion.at_most
    elif criterion.at_least is not None:
        worse, bound = -estimate.low, -criterion.at_least
    else:
        return math.nan
    if bound > 0:
        return max(worse, 0) / bound
    if bound < 0:
        return bound / worse if worse < 0 else math.inf
    return math.nan


def number(value: float, infinite: str = "∞") -> str:
    """A number for prose: whole and large numbers as integers, others to three significant digits.

    From a million on and below 0.0001, powers of ten; close to 1, where ratios have bounds, more digits.
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return infinite if value > 0 else f"-{infinite}"
    if abs(value) < 1e6 and (value == int(value) or abs(value) >= 1000):
        return f"{round(value):,}".replace(",", "\u202f")
    text = f"{value:.3g}"
    return f"{value:.5g}" if text == "1" else text


def interval(estimate: Estimate, infinite: str = "∞") -> str:
    """An estimate for prose, "0.94 [0.72, 0.99]", with two significant digits of the interval's width.

    Where all is below 0.0001, or the value would be shown as 0, each number has its own three digits.
    """
    width = estimate.high - estimate.low
    readable = 0 < width < math.inf and max(abs(estimate.low), abs(estimate.high)) >= 1e-4
    decimals = max(0, 1 - math.floor(math.log10(width))) if readable else 0
    if round(estimate.value, decimals) == 0 != estimate.value:
        decimals = 0

    def shown(value: float) -> str:
        return f"{value:.{decimals}f}" if decimals else number(value, infinite)

    value, low, high = map(shown, (estimate.value, estimate.low, estimate.high))
    return value if low == high else f"{value} [{low}, {high}]"


def _bounds(criterion: Criterion) -> tuple[float, float]:
    if criterion.within is not None:
        return criterion.within[0], criterion.within[1]
    floor = -math.inf if criterion.at_least is None else criterion.at_least
    ceiling = math.inf if criterion.at_most is None else criterion.at_most
    return floor, ceiling


def _label(cell: Mapping[str, Any]) -> str:
    parts = []
    for axis, value in cell.items():
        shown = " and ".join(map(str, value)) if isinstance(value, list) else str(value)
        parts.append(f"{axis.replace('_', ' ')} {shown}")
    return ", ".join(parts)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
