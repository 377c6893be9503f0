"""The quantities that claims are about: estimates with intervals, from the data of one cell of the grid."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from string import Formatter
from typing import Any

import numpy as np
import xarray as xr
from pydantic import BaseModel, NonNegativeInt, create_model

from gradient_failures.config.base import Number, Strict
from gradient_failures.results import statistics
from gradient_failures.results.runs import completed
from gradient_failures.results.statistics import Estimate

OPTIONS = {"variable": str, "level": Number, "step": NonNegativeInt}
"""What estimators may be told. Those that take no variable read the accuracy."""


class NotRun(LookupError):  # noqa: N818 - a verdict, not an error
    """The data has no runs at the cell that a claim asks for."""


@dataclass(frozen=True)
class Estimator:
    """What a claim may estimate.

    Parameters
    ----------
    words : what it estimates; its options stand in braces.
    compute : the estimate from the variable in a cell, or in both cells of a pair, and the other options.
    paired : whether it compares two values of one axis, which its cells have in a list.
    infinite : what an infinite estimate is called.
    """

    words: str
    compute: Callable[..., Estimate]
    paired: bool = False
    infinite: str = "∞"

    @cached_property
    def options(self) -> type[BaseModel]:
        """The model of its options, all of which it needs."""
        fields: dict[str, Any] = {
            name: (OPTIONS[name], ...) for _, name, _, _ in Formatter().parse(self.words) if name
        }
        return create_model("Options", __base__=Strict, **fields)

    def quantity(self, options: Mapping[str, Any]) -> str:
        """What it estimates with ``options``, in words."""
        return self.words.format_map({name: str(value).replace("_", " ") for name, value in options.items()})

    def __call__(self, dataset: xr.Dataset, cell: Mapping[str, Any], options: Mapping[str, Any]) -> Estimate:
        """The estimate at ``cell``; :class:`NotRun` where ``dataset`` has no runs."""
        further = {"variable": "accuracy", **options}
        variable = further.pop("variable")
        return self.compute(*(_select(dataset, one)[variable] for one in cells(cell)), **further)


def cells(axes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells at all products of ``axes``, each a value or a list of some; the last axis runs fastest."""
    values = (value if isinstance(value, list) else [value] for value in axes.values())
    return [dict(zip(axes, cell, strict=True)) for cell in product(*values)]


def _select(dataset: xr.Dataset, cell: Mapping[str, Any]) -> xr.Dataset:
    for axis, value in cell.items():
        if value not in dataset[axis].values:
            raise NotRun(f"{axis} = {value}")
    return completed(dataset.sel(cell))


def _final(curve: xr.DataArray) -> xr.DataArray:
    return curve.isel(step=-1)


def _share(runs: xr.DataArray) -> Estimate:
    return statistics.rate(int(runs.sum()), runs.size)


def _mean_at(curve: xr.DataArray, step: int) -> Estimate:
    if step not in curve["step"].values:
        raise NotRun(f"step {step}")
    return statistics.mean(curve.sel(step=step))


def _slower(fast: xr.DataArray, slow: xr.DataArray, level: float) -> Estimate:
    larger, smaller = (statistics.first_passage(accuracy, level) for accuracy in (slow, fast))
    return statistics.probability_larger(larger, smaller)


def _exponent(first: xr.DataArray, second: xr.DataArray) -> Estimate:
    """Runs are paired by seed; without runs, it is a point."""
    (axis,) = (name for name, at in first.coords.items() if at.ndim == 0 and at != second[name])
    exponents = np.log(second / first) / np.log(second[axis].item() / first[axis].item())
    return statistics.mean(exponents) if "seed" in exponents.dims else _point(float(exponents), 1)


def _point(value: float, n: int) -> Estimate:
    """An exact ``value``."""
    return Estimate(value, value, value, n)


ESTIMATORS = {
    "success_rate": Estimator(
        "the share of runs that reach accuracy {level}",
        lambda accuracy, level: _share((accuracy >= level).any("step")),
    ),
    "first_passage": Estimator(
        "the median number of steps to accuracy {level}",
        lambda accuracy, level: statistics.observed_range(statistics.first_passage(accuracy, level)),
        infinite="never",
    ),
    "slower": Estimator(
        "the chance that the second takes longer to accuracy {level} than the first", _slower, paired=True
    ),
    "mean": Estimator("the mean {variable}", statistics.mean),
    "geometric_mean": Estimator("the geometric mean {variable}", statistics.geometric_mean),
    "ratio": Estimator(
        "the geometric mean ratio of {variable}s, the first over the second,",
        lambda first, second: statistics.geometric_mean(first / second),
        paired=True,
    ),
    "late_mean": Estimator(
        "the mean {variable} over the last quarter of training",
        lambda curve: statistics.mean(statistics.late_mean(curve)),
    ),
    "mean_at": Estimator("the mean {variable} at step {step}", _mean_at),
    "final_mean": Estimator("the mean final {variable}", lambda curve: statistics.mean(_final(curve))),
    "final_gap": Estimator(
        "the mean difference in final {variable}, the first minus the second,",
        lambda first, second: statistics.mean(_final(first) - _final(second)),
        paired=True,
    ),
    "final_ratio": Estimator(
        "the geometric mean ratio of final {variable}s, the first over the second,",
        lambda first, second: statistics.geometric_mean(_final(first) / _final(second)),
        paired=True,
    ),
    "ends_at_most": Estimator(
        "the share of runs whose final {variable} is at most {level}",
        lambda curve, level: _share(_final(curve) <= level),
    ),
    "exponent": Estimator("the growth exponent of {variable}", _exponent, paired=True),
    "largest": Estimator("the largest {variable}", lambda values: _point(float(values.max()), values.size)),
}
"""All estimators by name; those of pairs compare the runs of a seed with each other, but for ``slower``."""
