"""Estimates over seeds with their 95 % intervals."""

from dataclasses import dataclass

import numpy as np
import scipy
import xarray as xr
from numpy.typing import ArrayLike

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number, the interval it is known to lie in, and the number of runs behind it."""

    value: float
    low: float
    high: float
    n: int


def rate(successes: int, n: int) -> Estimate:
    """Success rate with its Wilson interval, which keeps its coverage at 0 and n successes of few."""
    interval = scipy.stats.binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(successes / n, float(interval.low), float(interval.high), n)


def mean(values: ArrayLike) -> Estimate:
    """Mean over runs with Student's t interval; from a single run, the interval is unbounded."""
    values = np.asarray(values, dtype=float)
    centre = float(values.mean())
    if len(values) == 1:
        return Estimate(centre, -np.inf, np.inf, 1)
    half = float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * scipy.stats.sem(values))
    return Estimate(centre, centre - half, centre + half, len(values))


def geometric_mean(values: ArrayLike) -> Estimate:
    """Geometric mean over runs, with the interval of :func:`mean` on their logarithms.

    NaN if a value is not positive, as an estimate of a small positive number may happen to be.
    """
    values = np.asarray(values, dtype=float)
    logarithm = mean(np.log(np.where(values > 0, values, np.nan)))
    value, low, high = np.exp([logarithm.value, logarithm.low, logarithm.high]).tolist()
    return Estimate(value, low, high, logarithm.n)


def observed_range(values: ArrayLike) -> Estimate:
    """Median over runs with the smallest and the largest value observed."""
    values = np.asarray(values, dtype=float)
    middle = float(np.quantile(values, 0.5, method="higher"))
    return Estimate(middle, float(values.min()), float(values.max()), len(values))


def first_passage(curve: xr.DataArray, level: float) -> xr.DataArray:
    """First step at which ``curve`` (…, step) is at or above ``level``; inf where it never is."""
    return curve["step"].where(curve >= level).min("step").fillna(np.inf)


def late_mean(curve: xr.DataArray, share: float = 0.25) -> xr.DataArray:
    """Mean of ``curve`` (…, step) over the last ``share`` of the steps."""
    last = curve["step"].max()
    return curve.where(curve["step"] >= (1 - share) * last, drop=True).mean("step", skipna=False)


def probability_larger(larger: ArrayLike, smaller: ArrayLike) -> Estimate:
    """P(a > b) + P(a = b)/2 for a drawn from ``larger`` and b from ``smaller``.

    Infinite values are censored runs: larger than every finite value and equal to each other. The interval
    is method 5 of Newcombe (Statistics in Medicine 25, 2006, 559): like Wilson's, it takes the variance at
    the bound, so that it keeps its width where the samples are separated completely.
    """
    a, b = np.asarray(larger, dtype=float), np.asarray(smaller, dtype=float)
    pairs = (a[:, np.newaxis], b[np.newaxis, :])
    value = float(np.mean(np.greater(*pairs)) + np.mean(np.equal(*pairs)) / 2)
    quantile = scipy.stats.norm.ppf((1 + CONFIDENCE) / 2)

    def excess(bound: float) -> float:
        return float((value - bound) ** 2 - quantile**2 * _variance(bound, a.size, b.size))

    # At 0 and 1 the estimate itself is a root of the equation of the bounds, so start beside it.
    low = scipy.optimize.brentq(excess, 0, value * (1 - 1e-9)) if value > 0 else 0.0
    high = scipy.optimize.brentq(excess, value + (1 - value) * 1e-9, 1) if value < 1 else 1.0
    return Estimate(value, low, high, min(a.size, b.size))


def _variance(probability: float, m: int, n: int) -> float:
    """Variance of the Mann-Whitney estimate of ``probability`` after Hanley and McNeil, for samples m, n."""
    others = (m + n) / 2 - 1
    ties = (1 - probability) / (2 - probability) + probability / (1 + probability)
    return probability * (1 - probability) * (1 + others * ties) / (m * n)


def squared_mean(vectors: ArrayLike) -> Estimate:
    """Squared norm of the mean of the distribution of ``vectors`` (n, d), estimated without bias.

    The estimate U is the average product of two different vectors, so it may be negative. Its variance at a
    squared mean S is 4 S v/n + 2 tr(Σ²)/(n (n - 1)) with v the variance along the mean. Like Wilson's, the
    interval holds every S from which U deviates by less than Student's quantile times the standard error at
    that S; from the standard error at U, it would be too short where S is small. Its lower end is below 0
    where S = 0 is possible.
    """
    vectors = np.asarray(vectors, dtype=float)
    n = len(vectors)
    products = vectors @ vectors.T
    rows = products.mean(0)
    value = float((products.sum() - products.trace()) / (n * (n - 1)))
    along = float(rows.var(ddof=1) / rows.mean())
    centred = products - rows - rows[:, np.newaxis] + rows.mean()
    at_zero = 2 * float(np.square(centred).sum()) / (n - 1) ** 2 / (n * (n - 1))
    quantile = float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) ** 2
    centre = value + 2 * quantile * along / n
    half = np.sqrt(max(centre**2 - value**2 + quantile * at_zero, 0))
    return Estimate(value, min(centre - half, value), centre + half, n)
