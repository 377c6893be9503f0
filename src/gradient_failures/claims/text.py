"""Numbers, estimates and criteria in words."""

import math
from collections.abc import Mapping
from typing import Any

from gradient_failures.claims.model import Criterion
from gradient_failures.results.statistics import Estimate

CRITERIA = {
    "at_least": "at least {}",
    "at_most": "at most {}",
    "within": "between {} and {}",
    "contains": "range holds {}",
}


def describe(criterion: Criterion) -> str:
    """The criterion in words."""
    ((kind, bounds),) = criterion.model_dump(exclude_none=True).items()
    return CRITERIA[kind].format(*map(number, bounds if isinstance(bounds, list) else [bounds]))


def describe_cell(cell: Mapping[str, Any]) -> str:
    """The place of a cell in the grid, in words."""
    shown = {axis: value if isinstance(value, list) else [value] for axis, value in cell.items()}
    return ", ".join(
        f"{axis.replace('_', ' ')} {' and '.join(map(str, values))}" for axis, values in shown.items()
    )


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
