"""Judging claims: take the estimate that a claim names and hold it against its criterion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import xarray as xr
from pydantic_core import to_jsonable_python

from gradient_failures.claims.estimators import ESTIMATORS, NotRun
from gradient_failures.claims.model import Claim, Criterion
from gradient_failures.claims.text import describe, describe_cell, interval
from gradient_failures.results.runs import LAST_STEP
from gradient_failures.results.statistics import Estimate


class Verdict(StrEnum):
    """Outcome of a claim or of one of its cells."""

    REPRODUCED = "REPRODUCED"
    PARTLY = "PARTLY"
    NOT_REPRODUCED = "NOT REPRODUCED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_RUN = "NOT RUN"


RELATIONS = {
    Verdict.REPRODUCED: "meets",
    Verdict.NOT_REPRODUCED: "misses",
    Verdict.INCONCLUSIVE: "straddles",
}
"""What an interval does to its criterion."""


@dataclass(frozen=True)
class CellResult:
    """The estimate at one cell of the grid, with its verdict and its share of what the criterion allows."""

    cell: str
    estimate: Estimate
    measured: str
    share: float
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

    @property
    def tightest(self) -> int | None:
        """Index of the cell that takes up most of what the criterion allows; None without cells."""
        shares = [-1 if math.isnan(cell.share) else cell.share for cell in self.cells]
        return shares.index(max(shares)) if shares else None

    def as_json(self) -> dict[str, Any]:
        """The result as plain JSON types, with all words about it; numbers that are not finite are null."""
        document = {
            "claim": self.claim,
            "quantity": quantity(self.claim),
            "criterion_in_words": describe(self.claim.criterion),
            "verdict": self.verdict,
            "reduced": self.reduced,
            "reason": self.reason,
            "cells": self.cells,
            "tightest": self.tightest,
        }
        plain: dict[str, Any] = to_jsonable_python(document, inf_nan_mode="null")
        return plain


def judge(claim: Claim, dataset: xr.Dataset | None) -> ClaimResult:
    """Judge ``claim`` on ``dataset``; without the data it asks for, it is NOT RUN."""
    if dataset is None:
        return ClaimResult(claim, Verdict.NOT_RUN, False, f"{claim.data} is not part of this run", [])
    estimate = ESTIMATORS[claim.estimator]
    try:
        estimates = [estimate(dataset, cell, claim.options) for cell in claim.select]
    except NotRun as missing:
        return ClaimResult(claim, Verdict.NOT_RUN, False, f"not part of this run: {missing}", [])
    cells = [_judge_cell(*judged, claim) for judged in zip(claim.select, estimates, strict=True)]
    verdict = summed_up([cell.verdict for cell in cells])
    reason = "; ".join(cell.reason for cell in cells)
    shortfall = _shortfall(dataset, claim)
    if shortfall and not claim.reduced_may_judge:
        verdict, reason = Verdict.INCONCLUSIVE, f"too small a run to judge ({shortfall}): {reason}"
    return ClaimResult(claim, verdict, bool(shortfall), reason, cells)


def quantity(claim: Claim) -> str:
    """What is estimated, in words."""
    return ESTIMATORS[claim.estimator].quantity(claim.options)


def meets(estimate: Estimate, criterion: Criterion) -> Verdict:
    """Hold the interval of ``estimate`` against ``criterion``; INCONCLUSIVE where it straddles."""
    if math.isnan(estimate.value):
        return Verdict.INCONCLUSIVE
    low, high = estimate.low, estimate.high
    if criterion.contains is not None:
        return Verdict.REPRODUCED if low <= criterion.contains <= high else Verdict.NOT_REPRODUCED
    floor, ceiling = criterion.bounds
    if floor <= low and high <= ceiling:
        return Verdict.REPRODUCED
    if high < floor or low > ceiling:
        return Verdict.NOT_REPRODUCED
    return Verdict.INCONCLUSIVE


def share_of_bound(estimate: Estimate, criterion: Criterion) -> float:
    """How much of what the criterion allows the worse end of the interval takes up: it is met up to 1.

    NaN for an interval without an end, for a bound of 0 on one side, and where the criterion is that a value
    lies in the interval.
    """
    low, high = estimate.low, estimate.high
    floor, ceiling = criterion.bounds
    if not (math.isfinite(low) and math.isfinite(high)) or criterion.contains is not None:
        return math.nan
    if criterion.within is not None:
        middle, bound = (floor + ceiling) / 2, (ceiling - floor) / 2
        worse = max(abs(low - middle), abs(high - middle))
    else:
        worse, bound = (high, ceiling) if criterion.at_least is None else (-low, -floor)
    if bound > 0:
        return max(worse, 0) / bound
    if bound < 0:
        return bound / worse if worse < 0 else math.inf
    return math.nan


def summed_up(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a claim from the verdicts on its cells."""
    if len(set(verdicts)) == 1:
        return verdicts[0]
    if Verdict.NOT_REPRODUCED not in verdicts:
        return Verdict.INCONCLUSIVE
    return Verdict.PARTLY if Verdict.REPRODUCED in verdicts else Verdict.NOT_REPRODUCED


def _shortfall(dataset: xr.Dataset, claim: Claim) -> str:
    """In words, where the run stayed below the budget of ``claim``; empty if nowhere."""
    budget = claim.budget
    have = {"steps": budget.steps, "seeds": dataset.sizes.get("seed", budget.seeds)}
    if LAST_STEP in dataset:
        have["steps"] = min(int(dataset.sel(cell)[LAST_STEP].min()) for cell in claim.select)
    wanted = {name: getattr(budget, name) for name in have}
    short = [f"{have[name]} of {wanted[name]} {name}" for name in have if have[name] < wanted[name]]
    for axis, values in budget.covers.items():
        missing = [str(value) for value in values if value not in dataset[axis].values]
        short += [f"without {axis} {', '.join(missing)}"] if missing else []
    return ", ".join(short)


def _judge_cell(cell: Mapping[str, Any], estimate: Estimate, claim: Claim) -> CellResult:
    label, verdict = describe_cell(cell), meets(estimate, claim.criterion)
    measured = interval(estimate, ESTIMATORS[claim.estimator].infinite)
    place = f" at {label}" if label else ""
    criterion = describe(claim.criterion)
    reason = f"{quantity(claim)}{place} is {measured}, which {RELATIONS[verdict]} “{criterion}”"
    runs = f", n = {estimate.n}" if claim.budget.seeds else ""
    share = share_of_bound(estimate, claim.criterion)
    return CellResult(label, estimate, measured + runs, share, verdict, reason)
