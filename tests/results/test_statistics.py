"""Estimates and their intervals against closed forms and brute force."""

import math
from itertools import product

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, t

from gradient_failures.results import statistics

Z = 1.959963984540054
T_OF_4_DEGREES = 2.7764451051977987

PASSAGES = st.lists(st.sampled_from([100.0, 200.0, 300.0, 400.0, math.inf]), min_size=1, max_size=7)


def curves(*rows, every=10):
    values = np.array(rows, dtype=float)
    return xr.DataArray(
        values, dims=("seed", "step"), coords={"step": every * np.arange(values.shape[1])}, name="accuracy"
    )


def wilson(successes, n):
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return centre - half, centre + half


def count_pairs(larger, smaller):
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(larger, smaller))
    return wins / (len(larger) * len(smaller))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_rate_is_the_wilson_interval(counts):
    successes, n = counts
    estimate = statistics.rate(successes, n)
    assert estimate.value == successes / n
    assert (estimate.low, estimate.high) == pytest.approx(wilson(successes, n), abs=1e-12)
    assert estimate.n == n


@pytest.mark.parametrize("n", [5, 16, 24])
def test_no_success_bounds_the_rate_by_the_rule_of_the_design(n):
    assert statistics.rate(0, n).high == pytest.approx(Z**2 / (n + Z**2), abs=1e-12)
    assert statistics.rate(n, n).low == pytest.approx(n / (n + Z**2), abs=1e-12)


def test_the_rate_interval_covers_the_truth_at_about_its_level():
    n = 16
    intervals = [statistics.rate(successes, n) for successes in range(n + 1)]
    truths = np.linspace(0.01, 0.99, 99)
    coverage = [
        sum(binom.pmf(k, n, truth) for k, rate in enumerate(intervals) if rate.low <= truth <= rate.high)
        for truth in truths
    ]
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)
    assert min(coverage) > 0.83


def test_mean_is_the_t_interval():
    values = [0.48, 0.51, 0.50, 0.53, 0.49]
    centre = sum(values) / 5
    deviation = math.sqrt(sum((value - centre) ** 2 for value in values) / 4)
    half = T_OF_4_DEGREES * deviation / math.sqrt(5)
    estimate = statistics.mean(values)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (centre, centre - half, centre + half)
    )
    assert estimate.n == 5


def test_the_mean_interval_covers_the_truth_at_its_level():
    samples = np.random.default_rng(0).standard_normal((1000, 4)) + 3
    estimates = [statistics.mean(sample) for sample in samples]
    covered = np.mean([estimate.low <= 3 <= estimate.high for estimate in estimates])
    assert covered == pytest.approx(0.95, abs=5 * math.sqrt(0.95 * 0.05 / 1000))


def test_the_geometric_mean_is_the_t_interval_of_the_logarithms():
    values = np.array([0.5, 2.0, 8.0])
    estimate, logarithm = statistics.geometric_mean(values), statistics.mean(np.log(values))
    assert estimate.value == pytest.approx(2.0)
    assert np.log([estimate.low, estimate.high]) == pytest.approx([logarithm.low, logarithm.high])
    assert estimate.n == 3


def test_the_geometric_mean_of_one_run_is_only_known_to_be_positive():
    estimate = statistics.geometric_mean([4.0])
    assert (estimate.low, estimate.high) == (0.0, math.inf)


def test_the_mean_of_one_run_has_an_unbounded_interval():
    estimate = statistics.mean([0.7])
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (0.7, -math.inf, math.inf, 1)


def test_the_mean_with_a_diverged_run_is_not_a_number():
    assert math.isnan(statistics.mean([0.5, math.nan, 0.5]).value)


@pytest.mark.parametrize(
    ("values", "median", "low", "high"),
    [
        ([300, 100, 200], 200, 100, 300),
        ([100, math.inf, 200], 200, 100, math.inf),
        ([math.inf, math.inf, 200], math.inf, 200, math.inf),
        ([math.inf], math.inf, math.inf, math.inf),
        ([100, 200, 300, math.inf], 300, 100, math.inf),
    ],
)
def test_the_observed_range_has_the_median_and_the_extremes(values, median, low, high):
    estimate = statistics.observed_range(values)
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (median, low, high, len(values))


def test_first_passage_is_the_first_step_at_or_above_the_level():
    curve = curves(
        [0.5, 0.6, 0.9, 0.95],
        [0.9, 0.1, 0.1, 0.1],
        [0.5, 0.89, 0.5, 0.91],
        [0.5, 0.5, 0.5, 0.8999],
        [0.5, 0.92, np.nan, np.nan],
        [0.5, np.nan, np.nan, np.nan],
    )
    passage = statistics.first_passage(curve, 0.9)
    assert passage.dims == ("seed",)
    assert passage.values.tolist() == [20, 0, 30, math.inf, 10, math.inf]


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=4),
    st.floats(0, 1),
)
def test_first_passage_against_a_loop(rows, level):
    expected = [next((10 * i for i, value in enumerate(row) if value >= level), math.inf) for row in rows]
    assert statistics.first_passage(curves(*rows), level).values.tolist() == expected


def test_first_passage_keeps_the_other_dimensions():
    grid = xr.concat(
        [curves([0.0, 1.0]), curves([0.0, 0.0])], dim=xr.DataArray([5, 30], dims="dim", name="dim")
    )
    passage = statistics.first_passage(grid, 0.9)
    assert passage.sel(dim=5).values.tolist() == [10]
    assert passage.sel(dim=30).values.tolist() == [math.inf]


def test_late_mean_takes_the_last_quarter_of_the_steps():
    curve = curves([9, 9, 9, 1, 2], [0, 0, 0, 3, 5])
    late = statistics.late_mean(curve)
    assert late.dims == ("seed",)
    assert late.values.tolist() == [1.5, 4.0]


def test_late_mean_goes_by_steps_and_not_by_evaluations():
    curve = curves([9, 9, 1, 2]).assign_coords(step=[0, 10, 90, 100])
    assert statistics.late_mean(curve).values.tolist() == [1.5]
    assert statistics.late_mean(curve, share=0.95).values.tolist() == [4.0]


def test_late_mean_does_not_hide_a_diverged_run():
    late = statistics.late_mean(curves([0, 0, 0, 1, np.nan], [0, 0, 0, 1, 3]))
    assert math.isnan(late.values[0])
    assert late.values[1] == 2.0


@settings(max_examples=25)
@given(PASSAGES, PASSAGES)
def test_probability_larger_against_counting_pairs(larger, smaller):
    estimate = statistics.probability_larger(larger, smaller)
    assert estimate.value == pytest.approx(count_pairs(larger, smaller), abs=1e-12)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.n == min(len(larger), len(smaller))


def test_probability_larger_counts_two_runs_that_never_arrive_as_equal():
    assert statistics.probability_larger([math.inf] * 3, [math.inf] * 3).value == 0.5
    assert statistics.probability_larger([math.inf] * 3, [1e6] * 3).value == 1.0


def test_probability_larger_is_the_same_each_time():
    one, other = [100, 300, math.inf], [200, 200, math.inf]
    assert statistics.probability_larger(one, other) == statistics.probability_larger(one, other)


@pytest.mark.parametrize("runs", [8, 16, 24])
@pytest.mark.parametrize("probability", [0.5, 0.75, 0.9, 0.97])
def test_the_interval_of_probability_larger_holds_the_truth_95_times_in_100(runs, probability):
    rng = np.random.default_rng(0)
    shift = np.sqrt(2) * norm.ppf(probability)
    pairs = [(rng.normal(shift, 1, runs), rng.normal(0, 1, runs)) for _ in range(1000)]
    held = [
        estimate.low <= probability <= estimate.high
        for estimate in (statistics.probability_larger(*pair) for pair in pairs)
    ]
    assert 0.93 <= np.mean(held) <= 0.99


def test_the_interval_of_probability_larger_keeps_its_width_at_complete_separation():
    estimate = statistics.probability_larger([math.inf] * 16, range(16))
    assert (estimate.value, estimate.high) == (1, 1)
    assert 0.7 < estimate.low < 0.95


def test_the_interval_of_probability_larger_narrows_with_the_runs():
    rng = np.random.default_rng(0)
    widths = []
    for runs in (10, 160):
        estimate = statistics.probability_larger(rng.normal(0.5, 1, runs), rng.normal(0, 1, runs))
        widths.append(estimate.high - estimate.low)
    assert widths[1] < widths[0] / 2


def test_the_geometric_mean_of_values_that_are_not_all_positive_is_undefined():
    assert math.isnan(statistics.geometric_mean([1.0, -1e-9, 2.0]).value)


@given(st.integers(0, 2**32 - 1), st.integers(3, 12), st.integers(1, 6))
def test_the_squared_mean_is_the_average_product_of_different_vectors(seed, n, width):
    vectors = np.random.default_rng(seed).standard_normal((n, width)) + 0.3
    pairs = [vectors[i] @ vectors[j] for i, j in product(range(n), repeat=2) if i != j]
    estimate = statistics.squared_mean(vectors)
    assert estimate.value == pytest.approx(np.mean(pairs))
    assert estimate.low <= estimate.value <= estimate.high


def test_the_interval_of_the_squared_mean_by_inverting_the_test_at_its_ends():
    n, vectors = 20, np.random.default_rng(0).standard_normal((20, 5)) + 0.5
    estimate, mean = statistics.squared_mean(vectors), vectors.mean(0)
    covariance = np.cov(vectors.T)
    along = mean @ covariance @ mean / (mean @ mean)
    for end in (estimate.low, estimate.high):
        variance = 4 * end * along / n + 2 * np.trace(covariance @ covariance) / (n * (n - 1))
        assert abs(estimate.value - end) / math.sqrt(variance) == pytest.approx(t.ppf(0.975, n - 1))


@pytest.mark.parametrize("signal", [0, 0.01, 0.1, 0.3, 1, 10])
@pytest.mark.parametrize("variances", [[1.0], [1.0, 0.1, 0.1, 0.1], [0.1, 1.0, 0.1], [1.0] * 30])
def test_the_interval_of_the_squared_mean_covers_signals_of_any_size(signal, variances):
    """From none to many times the variance; rates of 1000 samples are within 0.03 of their means."""
    rng, scale = np.random.default_rng(0), np.sqrt(variances)
    mean = np.zeros(len(variances))
    mean[0] = math.sqrt(signal * sum(variances))
    samples = mean + scale * rng.standard_normal((1000, 20, len(variances)))
    estimates = [statistics.squared_mean(sample) for sample in samples]
    truth = mean @ mean
    covered = np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])
    assert covered > 0.91
    assert np.mean([estimate.high < truth for estimate in estimates]) < 0.05
    error = np.std([estimate.value for estimate in estimates]) / math.sqrt(1000)
    assert abs(np.mean([estimate.value for estimate in estimates]) - truth) < 4 * error
