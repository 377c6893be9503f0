"""The quantities that claims are about: estimates with intervals, from the data of one cell of the grid."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures import statistics
from gradient_failures.dataset import completed
from gradient_failures.statistics import Estimate


class NotRun(LookupError):  # noqa: N818 - a verdict, not an error
    """The data has no runs at the cell that a claim asks for."""


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
