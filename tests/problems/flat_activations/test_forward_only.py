"""The forward-only update: what the theorem says must hold for every monotone ramp and every data."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures.problems.flat_activations.forward_only import (
    Settings,
    descend,
    guarantee,
    run,
    staircase,
)
from gradient_failures.results import dataset
from gradient_failures.training.seeds import stream


def problem(seed, samples=30, dim=4):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((samples, dim)) * rng.uniform(0.1, 3, dim)
    target = rng.standard_normal(dim) * rng.uniform(0.1, 10)
    return inputs, target, np.linalg.eigvalsh(inputs.T @ inputs / samples)[-1]


def random_ramp(seed, lipschitz):
    """A monotone piecewise-linear function with slopes between 0 and ``lipschitz``, many of them 0."""
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.uniform(-10, 10, 12))
    slopes = lipschitz * rng.uniform(0, 1, 11) * rng.integers(0, 2, 11)
    slopes[rng.integers(0, 11)] = lipschitz
    heights = np.concatenate([[0], np.cumsum(slopes * np.diff(corners))])
    return lambda values: np.interp(values, corners, heights)


@given(seed=st.integers(0, 10**6), lipschitz=st.floats(0.01, 100), step_size=st.floats(0.01, 2))
def test_the_distance_never_grows(seed, lipschitz, step_size):
    inputs, target, largest = problem(seed)
    rates = np.array([step_size / (lipschitz * largest)])
    distances, errors = descend(inputs, target, random_ramp(seed, lipschitz), rates, 50)
    fall = distances[:-1] ** 2 - distances[1:] ** 2
    promised = rates * (2 / lipschitz - rates * largest) * errors[:-1] ** 2
    assert (fall >= promised - 1e-12 * distances[0] ** 2).all()
    assert (np.diff(distances, axis=0) <= 1e-12 * distances[0]).all()


@given(seed=st.integers(0, 10**6), lipschitz=st.floats(0.01, 100))
def test_the_smallest_error_so_far_is_within_the_guarantee(seed, lipschitz):
    inputs, target, largest = problem(seed)
    rates = np.array([1 / (lipschitz * largest)])
    distances, errors = descend(inputs, target, random_ramp(seed, lipschitz), rates, 50)
    bound = guarantee(np.array([lipschitz]), distances[0, 0], largest, np.arange(51))
    assert (np.minimum.accumulate(errors[:, 0]) <= bound[0] * (1 + 1e-12)).all()


def test_beyond_the_largest_step_size_the_distance_can_grow():
    """On the line with u(r) = r every update multiplies the distance by 1 - η L λmax."""
    inputs, target = np.ones((3, 1)), np.array([2.0])
    distances, _ = descend(inputs, target, lambda values: values, np.array([1.0, 2.0, 2.1]), 3)
    np.testing.assert_allclose(distances, 2 * np.abs([[0.0], [-1.0], [-1.1]]).T ** np.arange(4)[:, None])


def test_the_first_update_is_minus_the_mean_of_residual_times_input():
    inputs, target, _ = problem(3)
    one = descend(inputs, target, np.tanh, np.array([0.1]), 1)[0][1, 0]
    mean = np.mean([(np.tanh(0.0) - np.tanh(x @ target)) * x for x in inputs], axis=0)
    assert one == pytest.approx(np.linalg.norm(-0.1 * mean - target), rel=1e-12)


@given(lipschitz=st.floats(1, 100), values=st.lists(st.floats(-20, 20), min_size=2, max_size=20))
def test_the_staircase_is_monotone_and_lipschitz_and_meets_the_identity_at_every_tread(lipschitz, values):
    r = np.sort(values)
    rise = np.diff(staircase(r, lipschitz))
    assert (rise >= -1e-9).all()
    assert (rise <= lipschitz * np.diff(r) + 1e-9).all()
    np.testing.assert_allclose(staircase(r, 1.0), r, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(staircase(np.arange(-4, 5) / 2, lipschitz), np.arange(-4, 5) / 2)


def test_the_staircase_is_as_steep_as_its_lipschitz_constant_says():
    rise = np.diff(staircase(np.linspace(-2, 2, 4001), 7.0)) / 1e-3
    assert rise.max() == pytest.approx(7)
    assert np.mean(rise < 1e-9) == pytest.approx(1 - 1 / 7, abs=0.01)


def stairs(value, lipschitz):
    """The staircase at one value: up with slope L on the first 1/L of each tread, then flat."""
    below = 0.5 * math.floor(value / 0.5)
    return below + min(lipschitz * (value - below), 0.5)


def descent(inputs, target, lipschitz, rate, iterations):
    """Distances to the target and errors at every iteration, sample by sample."""
    weights, distances, errors = np.zeros(len(target)), [], []
    for _ in range(iterations + 1):
        residuals = [stairs(x @ weights, lipschitz) - stairs(x @ target, lipschitz) for x in inputs]
        distances.append(math.dist(weights, target))
        errors.append(math.sqrt(sum(residual**2 for residual in residuals) / len(inputs)))
        mean = sum(residual * x for residual, x in zip(residuals, inputs, strict=True)) / len(inputs)
        weights = weights - rate * mean
    return np.array(distances), np.array(errors)


@pytest.mark.expects("flat_activations.forward_only", "distance_increase", "error_over_guarantee")
def test_the_measurement_is_that_of_a_loop_over_samples(tmp_path):
    """With seed 23, errors rise before they fall, so that the smallest so far is not the latest."""
    result = run(Settings(lipschitz=[1, 5], input_dim=2, samples=4, iterations=12), [23, 0])
    dataset.write(result, tmp_path / "forward_only.nc", {"title": "forward-only"})
    assert result["iteration"].values.tolist() == list(range(13))
    for seed, lipschitz in product([23, 0], [1, 5]):
        rng = stream("forward_only", "problem", seed=seed)
        inputs, target = rng.standard_normal((4, 2)) / math.sqrt(2), rng.standard_normal(2)
        largest = max(np.linalg.svd(inputs, compute_uv=False)) ** 2 / 4
        found = result.sel(seed=seed, lipschitz=lipschitz)
        bounds = lipschitz * np.linalg.norm(target) * np.sqrt(largest / np.arange(1, 14))
        np.testing.assert_allclose(found["guarantee"], bounds)
        for step_size in (1, 2):
            rate = step_size / (lipschitz * largest)
            distances, errors = descent(inputs, target, lipschitz, rate, 12)
            at_size = found.sel(step_size=step_size)
            np.testing.assert_allclose(at_size["distance"], distances / distances[0], rtol=1e-9)
            np.testing.assert_allclose(at_size["error"], errors, rtol=1e-9, atol=1e-12)
            largest_increase = max(np.diff(distances)) / distances[0]
            assert at_size["distance_increase"].item() == pytest.approx(largest_increase, rel=1e-6, abs=1e-12)
            if step_size == 1:
                share = max(min(errors[: t + 1]) / bounds[t] for t in range(13))
                assert found["error_over_guarantee"].item() == pytest.approx(share, rel=1e-9)
        drawn = found["activation"][::7]
        np.testing.assert_allclose(
            drawn, [stairs(r, lipschitz) for r in drawn["r"].values.tolist()], rtol=0, atol=1e-9
        )


def test_the_measurement_keeps_the_theorem_and_records_few_iterations_of_many():
    result = run(Settings(lipschitz=[1, 5], input_dim=5, samples=40, iterations=100), [0, 1, 2])
    assert (result["distance_increase"] <= 1e-12).all()
    assert (result["error_over_guarantee"] <= 1).all()
    assert result.sizes["iteration"] < 60
    assert (result["iteration"].values[[0, -1]] == [0, 100]).all()
