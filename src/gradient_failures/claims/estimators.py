"""The quantities that claims are about: estimates with intervals, from the data of one cell of the grid."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from pydantic import BaseModel, NonNegativeInt, create_model

from gradient_failures.config.base import Number, Strict
from gradient_failures.results import statistics
from gradient_failures.results.runs import completed
from gradient_failures.results.statistics import Estimate

Function = Callable[..., Estimate]


class NotRun(LookupError):  # noqa: N818 - a verdict, not an error
    """The data has no runs at the cell that a claim asks for."""


@dataclass(frozen=True)
class Estimator:
    """A function ``(dataset, cell, **options) -> Estimate`` that claims name.

    Parameters
    ----------
    words : what it estimates; options stand in braces.
    paired : whether it compares two values of one axis, which its cells have in a list.
    infinite : what an infinite estimate is called.
    """

    compute: Function
    words: str
    paired: bool
    infinite: str

    @cached_property
    def options(self) -> type[BaseModel]:
        """The model of its options: the further parameters of the function."""
        _dataset, _cell, *options = inspect.signature(self.compute).parameters.values()
        fields: dict[str, Any] = {option.name: (option.annotation, ...) for option in options}
        return create_model(self.compute.__name__, __base__=Strict, **fields)

    def quantity(self, options: Mapping[str, Any]) -> str:
        """What it estimates with ``options``, in words."""
        shown = {name: str(value).replace("_", " ") for name, value in options.items()}
        return self.words.format_map(shown)


ESTIMATORS: dict[str, Estimator] = {}
"""All estimators by name."""


def estimator(words: str, *, paired: bool = False, infinite: str = "∞") -> Callable[[Function], Function]:
    """Make a function an estimator that claims may name, see :class:`Estimator`."""

    def register(compute: Function) -> Function:
        ESTIMATORS[compute.__name__] = Estimator(compute, words, paired, infinite)
        return compute

    return register


@estimator("the share of runs that reach accuracy {level}")
def success_rate(dataset: xr.Dataset, cell: Mapping[str, Any], level: Number) -> Estimate:
    """Share of runs whose accuracy reaches ``level`` at some evaluation."""
    passage = statistics.first_passage(_select(dataset, cell)["accuracy"], level)
    return statistics.rate(int(np.isfinite(passage).sum()), passage.size)


@estimator("the mean {variable}")
def mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean of ``variable`` over the seeds of a measurement."""
    return statistics.mean(_select(dataset, cell)[variable])


@estimator("the geometric mean {variable}")
def geometric_mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Geometric mean of ``variable`` over the seeds of a measurement."""
    return statistics.geometric_mean(_select(dataset, cell)[variable])


@estimator("the geometric mean ratio of {variable}s, the first over the second,", paired=True)
def ratio(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Geometric mean over the seeds of a measurement of ``variable``, the first of a pair over the second."""
    first, second = (data[variable] for data in _pair(dataset, cell))
    return statistics.geometric_mean(first / second)


@estimator("the mean {variable} over the last quarter of training")
def late_mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean over runs of ``variable`` over the last quarter of training."""
    return statistics.mean(statistics.late_mean(_select(dataset, cell)[variable]))


@estimator("the mean final {variable}")
def final_mean(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean over runs of ``variable`` at the last step."""
    return statistics.mean(_select(dataset, cell)[variable].isel(step=-1))


@estimator("the mean {variable} at step {step}")
def mean_at(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str, step: NonNegativeInt) -> Estimate:
    """Mean over runs of ``variable`` at one step of training."""
    data = _select(dataset, cell)
    if step not in data["step"].values:
        raise NotRun(f"step {step}")
    return statistics.mean(data[variable].sel(step=step))


@estimator("the mean difference in final {variable}, the first minus the second,", paired=True)
def final_gap(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Mean over seeds of ``variable`` at the last step, the first minus the second of a pair.

    The runs of a seed are compared with each other.
    """
    first, second = (data[variable].isel(step=-1) for data in _pair(dataset, cell))
    return statistics.mean(first - second)


@estimator("the share of runs whose final {variable} is at most {level}")
def ends_at_most(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str, level: Number) -> Estimate:
    """Share of runs whose ``variable`` is at or below ``level`` at the last step."""
    final = _select(dataset, cell)[variable].isel(step=-1)
    return statistics.rate(int((final <= level).sum()), final.size)


@estimator("the geometric mean ratio of final {variable}s, the first over the second,", paired=True)
def final_ratio(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Geometric mean over seeds of ``variable`` at the last step, the first of a pair over the second."""
    first, second = (data[variable].isel(step=-1) for data in _pair(dataset, cell))
    return statistics.geometric_mean(first / second)


@estimator("the median number of steps to accuracy {level}", infinite="never")
def first_passage(dataset: xr.Dataset, cell: Mapping[str, Any], level: Number) -> Estimate:
    """Steps to accuracy ``level``: median and range over the runs."""
    return statistics.observed_range(statistics.first_passage(_select(dataset, cell)["accuracy"], level))


@estimator("the chance that the second takes longer to accuracy {level} than the first", paired=True)
def slower(dataset: xr.Dataset, cell: Mapping[str, Any], level: Number) -> Estimate:
    """Chance that a run of the second of a pair takes longer than one of the first."""
    fast, slow = (statistics.first_passage(data["accuracy"], level) for data in _pair(dataset, cell))
    return statistics.probability_larger(slow, fast)


@estimator("the growth exponent of {variable}", paired=True)
def exponent(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Exponent with which ``variable`` grows between two values of one axis; without runs, it is a point.

    Runs are paired by seed.
    """
    _, (low, high) = _paired_axis(cell)
    first, second = (data[variable] for data in _pair(dataset, cell))
    exponents = np.log(second / first) / np.log(high / low)
    if "seed" in exponents.dims:
        return statistics.mean(exponents)
    return Estimate(float(exponents), float(exponents), float(exponents), 1)


@estimator("the largest {variable}")
def largest(dataset: xr.Dataset, cell: Mapping[str, Any], variable: str) -> Estimate:
    """Largest value of ``variable``; an exact computation, so its interval is a point."""
    values = _select(dataset, cell)[variable]
    value = float(values.max())
    return Estimate(value, value, value, values.size)


def _select(dataset: xr.Dataset, cell: Mapping[str, Any]) -> xr.Dataset:
    for axis, value in cell.items():
        if value not in dataset[axis].values:
            raise NotRun(f"{axis} = {value}")
    return completed(dataset.sel(cell))


def _paired_axis(cell: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The axis of a cell that has a list of two values, such as ``dim: [5, 10]``, and these values."""
    ((axis, values),) = [(axis, values) for axis, values in cell.items() if isinstance(values, list)]
    return axis, values


def _pair(dataset: xr.Dataset, cell: Mapping[str, Any]) -> list[xr.Dataset]:
    """The two parts of ``dataset`` that a cell compares."""
    axis, values = _paired_axis(cell)
    return [_select(dataset, {**cell, axis: value}) for value in values]
