"""Theorem 3's variance: closed forms against quadrature, autograd, other eigenvalues and samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import eval_gegenbauer, gamma

from gradient_failures import dataset
from gradient_failures.diagnostics.gaussian_tuples import (
    Settings,
    largest_second_moment,
    largest_variance,
    measure,
    product_gradient,
    product_square,
    product_variance,
)

SMALL = {
    "tuple_length": [1, 2, 3],
    "dim": [5, 20],
    "sampled_dim": [5],
    "pairs": 1500,
    "tuples_per_pair": 1000,
}


def unit(rng, dim):
    direction = rng.standard_normal(dim)
    return direction / np.linalg.norm(direction)


def sphere_mean(function, dim):
    """Average of ``function`` of ⟨u, w⟩ over unit vectors u, by adaptive quadrature."""
    density = gamma(dim / 2) / (np.sqrt(np.pi) * gamma((dim - 1) / 2))
    return density * quad(lambda t: function(t) * (1 - t**2) ** ((dim - 3) / 2), -1, 1, limit=200)[0]


def correlation(direction, weights):
    """E[sign⟨u, x⟩ erf(⟨w, x⟩/√2)] for one input, in closed form, for autograd."""
    return 2 / np.pi * torch.arcsin(direction @ weights / torch.sqrt(1 + weights @ weights))


@pytest.mark.parametrize(("tuple_length", "dim"), [(1, 3), (2, 4), (4, 3)])
def test_the_gradient_is_that_of_autograd(tuple_length, dim):
    rng = np.random.default_rng(0)
    weights, tuples = rng.standard_normal(dim), rng.standard_normal((6, tuple_length, dim))
    leaf = torch.tensor(weights, requires_grad=True)
    scores = torch.erf(torch.tensor(tuples) @ leaf / 2**0.5).prod(1)
    for i, gradient in enumerate(product_gradient(weights, tuples)):
        (expected,) = torch.autograd.grad(scores[i], leaf, retain_graph=True)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10)


def test_the_correlation_of_label_and_factor_is_an_arcsine():
    rng = np.random.default_rng(1)
    direction, weights, x = unit(rng, 4), unit(rng, 4), rng.standard_normal((400_000, 4))
    values = np.sign(x @ direction) * torch.erf(torch.tensor(x @ weights) / 2**0.5).numpy()
    expected = correlation(torch.tensor(direction), torch.tensor(weights)).item()
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(len(values))
    assert abs(expected) > 20 * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize("tuple_length", [1, 2, 3, 4])
@pytest.mark.parametrize("dim", [2, 3, 12])
def test_the_squared_gradient_of_the_product(tuple_length, dim):
    tuples = np.random.default_rng(2).standard_normal((100_000, tuple_length, dim))
    squares = np.square(product_gradient(np.eye(dim)[0], tuples)).sum(axis=1)
    error = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - product_square(tuple_length, dim)) < 4 * error
    assert error < 0.02 * squares.mean()


@pytest.mark.parametrize("tuple_length", [1, 2, 3, 5])
def test_the_variance_of_the_product_over_random_directions(tuple_length):
    """Gradient of the k-th power of the arcsine, by autograd, at many u."""
    rng, dim = np.random.default_rng(3), 6
    weights = torch.eye(dim, dtype=torch.float64)[0].requires_grad_()
    gradients = []
    for _ in range(4000):
        value = correlation(torch.tensor(unit(rng, dim)), weights) ** tuple_length
        gradients.append(torch.autograd.grad(value, weights)[0].numpy())
    centred = np.array(gradients) - np.mean(gradients, axis=0)
    squares = np.square(centred).sum(axis=1)
    expected = product_variance(tuple_length, dim) * product_square(tuple_length, dim)
    assert abs(squares.mean() - expected) < 4 * squares.std() / np.sqrt(len(squares))


@pytest.mark.parametrize("dim", [3, 8, 30])
@pytest.mark.parametrize("tuple_length", [1, 2, 3, 4])
def test_the_largest_variance_is_the_largest_eigenvalue_but_that_of_the_mean(tuple_length, dim):
    order = (dim - 2) / 2

    def eigenvalue(degree):
        return sphere_mean(
            lambda t: (
                (2 / np.pi * np.arcsin(t)) ** tuple_length
                * eval_gegenbauer(degree, order, t)
                / eval_gegenbauer(degree, order, 1.0)
            ),
            dim,
        )

    values = [eigenvalue(degree) for degree in range(8)]
    assert largest_variance(tuple_length, dim) == pytest.approx(max(values[1:]), rel=1e-8)
    assert largest_second_moment(tuple_length, dim) == pytest.approx(max(values), rel=1e-8)


def test_the_kernel_matrix_of_random_directions_has_that_eigenvalue():
    """The Gram matrix of centred labels at n random directions has the eigenvalue n·λ, d times for k = 1."""
    rng, dim, count = np.random.default_rng(4), 5, 1000
    directions = np.array([unit(rng, dim) for _ in range(count)])
    cosines = np.clip(directions @ directions.T, -1, 1)
    for tuple_length, multiplicity in ((1, 5), (2, 14), (3, 5)):
        kernel = (2 / np.pi * np.arcsin(cosines)) ** tuple_length
        kernel -= kernel.mean(axis=0) + kernel.mean(axis=1)[:, np.newaxis] - kernel.mean()
        largest = np.linalg.eigvalsh(kernel)[-multiplicity:].mean() / count
        assert largest == pytest.approx(largest_variance(tuple_length, dim), rel=0.1)


@given(st.integers(1, 8), st.integers(2, 500))
def test_no_predictor_beats_the_best_and_the_best_keeps_below_the_second_moment(tuple_length, dim):
    best = largest_variance(tuple_length, dim)
    assert product_variance(tuple_length, dim) <= best * (1 + 1e-9)
    assert best <= largest_second_moment(tuple_length, dim) * (1 + 1e-9) <= 1 + 1e-9


def test_a_linear_predictor_of_single_inputs_attains_two_over_pi_d():
    """p = ⟨w, x⟩: E sign⟨u, x⟩ x = √(2/π) u and G² = d, below the best predictor by little."""
    for dim in (20, 100):
        assert 2 / np.pi / dim <= largest_variance(1, dim) < 1.04 * 2 / np.pi / dim


@pytest.fixture(scope="module")
def small():
    return measure(Settings(**SMALL))


def test_estimates_from_samples_agree_with_the_closed_form(small):
    exact = small["variance"].sel(predictor="product", dim=5)
    half = (small["sampled_high"] - small["sampled_low"]).sel(sampled_dim=5) / 2
    assert (np.abs(small["sampled_variance"].sel(sampled_dim=5) - exact) < 2 * half).all()
    assert (half < 0.35 * exact).all()


def test_few_tuples_make_the_estimate_noisy_but_not_large():
    """The square of the mean over four tuples, uncorrected, would be too large by a third of G²."""
    result = measure(Settings(**{**SMALL, "tuple_length": [2], "pairs": 4000, "tuples_per_pair": 4}))
    exact = result["variance"].sel(predictor="product", dim=5).item()
    assert result["sampled_low"].item() < exact < result["sampled_high"].item()
    assert result["sampled_high"].item() < 0.15


def test_bound_ratio_and_slope(small):
    np.testing.assert_allclose(small["bound"].sel(tuple_length=2), 2 * np.log([5, 20]) / [5, 20])
    np.testing.assert_allclose(small["variance_over_bound"], small["variance"] / small["bound"])
    ratio = small["variance"].sel(tuple_length=3) / small["variance"].sel(tuple_length=2)
    np.testing.assert_allclose(small["ratio_by_length"].sel(longer_length=3), ratio)
    change = np.log(small["variance"].sel(dim=20) / small["variance"].sel(dim=5)) / np.log(4)
    np.testing.assert_allclose(
        small["slope_beyond_bound"].sel(larger_dim=20), change + small["tuple_length"] / 2
    )


@pytest.mark.parametrize(("tuple_length", "power"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_the_largest_variance_falls_with_a_whole_power_of_the_dimension(tuple_length, power):
    slope = np.log(largest_variance(tuple_length, 2000) / largest_variance(tuple_length, 1000)) / np.log(2)
    assert slope == pytest.approx(-power, abs=0.01)


def test_the_measurement_keeps_the_data_contract(small, tmp_path):
    dataset.write(small, tmp_path / "tuples.nc", {"title": "theorem 3"})
