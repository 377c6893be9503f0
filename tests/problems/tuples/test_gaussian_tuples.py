"""Theorem 3's variance: closed forms against quadrature, autograd, other eigenvalues and samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import erf, eval_gegenbauer, roots_gegenbauer

from gradient_failures.problems.tuples.gaussian_tuples import (
    Settings,
    largest_second_moment,
    largest_variance,
    product_gradient,
    product_square,
    product_variance,
    run,
)
from gradient_failures.results import dataset

LENGTHS, DIMS = [1, 2, 3, 4], [3, 5, 30]
SMALL = {"tuple_length": LENGTHS, "dim": DIMS, "sampled_dim": [5], "pairs": 1500, "tuples_per_pair": 1000}


def unit(rng, dim):
    direction = rng.standard_normal(dim)
    return direction / np.linalg.norm(direction)


def on_sphere(dim):
    """Values of ⟨u, w⟩ and their weights in averages over unit vectors u."""
    cosines, weights = roots_gegenbauer(400, (dim - 2) / 2)
    return cosines, weights / weights.sum()


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
    return run(Settings(**SMALL))


def moments_of_the_best(tuple_length, dim):
    """Largest eigenvalues of the kernel of labels, with that of the mean and without."""
    (cosines, weights), order = on_sphere(dim), (dim - 2) / 2
    kernel = (2 / np.pi * np.arcsin(cosines)) ** tuple_length
    values = [
        weights @ (kernel * eval_gegenbauer(degree, order, cosines)) / eval_gegenbauer(degree, order, 1.0)
        for degree in range(8)
    ]
    return max(values), max(values[1:])


def variance_of_the_product(tuple_length, dim):
    """By autograd at each angle between u and w, over E‖∇p‖² from moments of the normal distribution."""
    cosines, chances = on_sphere(dim)
    weights = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    directions = torch.tensor(np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1))
    products = [correlation(direction, weights) ** tuple_length for direction in directions]
    along, across = np.array([torch.autograd.grad(product, weights)[0].numpy() for product in products]).T
    variance = chances @ ((along - chances @ along) ** 2 + across**2)

    def moment(function):
        def integrand(z):
            slope = np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2)
            return function(z, erf(z / np.sqrt(2)), slope) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

        return quad(integrand, -12, 12, epsabs=1e-13)[0]

    square, own = moment(lambda z, phi, slope: phi**2), moment(lambda z, phi, slope: slope**2)
    along_itself = moment(lambda z, phi, slope: (slope * z) ** 2)
    crossed = moment(lambda z, phi, slope: slope * z * phi) ** 2 * square ** (tuple_length - 2)
    each = ((dim - 1) * own + along_itself) * square ** (tuple_length - 1)
    return variance / (tuple_length * each + tuple_length * (tuple_length - 1) * crossed)


@pytest.mark.expects("tuples.gaussian_tuples", "variance_over_bound", "ratio_by_length", "slope_beyond_bound")
def test_variances_by_other_quadratures_and_what_follows_from_them(small):
    best = np.array([[moments_of_the_best(k, d) for d in DIMS] for k in LENGTHS])
    product = np.array([[variance_of_the_product(k, d) for d in DIMS] for k in LENGTHS])
    np.testing.assert_allclose(small["second_moment"], best[..., 0], rtol=1e-6)
    k, d = np.array(LENGTHS)[:, np.newaxis], np.array(DIMS)
    for predictor, variance in (("best", best[..., 1]), ("product", product)):
        at = small.sel(predictor=predictor)
        np.testing.assert_allclose(at["variance"], variance, rtol=1e-6)
        over_bound = variance * (d / (k * np.log(d))) ** (k / 2)
        np.testing.assert_allclose(at["variance_over_bound"], over_bound, rtol=1e-6)
        ratio = at["ratio_by_length"].sel(longer_length=LENGTHS[1:])
        np.testing.assert_allclose(ratio, variance[1:] / variance[:-1], rtol=1e-5)
        slope = np.log(variance[:, 1:] / variance[:, :-1]) / np.log(d[1:] / d[:-1])
        np.testing.assert_allclose(
            at["slope_beyond_bound"].sel(larger_dim=DIMS[1:]), slope + k / 2, rtol=1e-5
        )


def test_estimates_from_samples_agree_with_the_closed_form(small):
    exact = small["variance"].sel(predictor="product", dim=5)
    half = (small["sampled_high"] - small["sampled_low"]).sel(sampled_dim=5) / 2
    assert (np.abs(small["sampled_variance"].sel(sampled_dim=5) - exact) < 2 * half).all()
    assert (half < 0.35 * exact).all()


def test_few_tuples_make_the_estimate_noisy_but_not_large():
    """The square of the mean over four tuples, uncorrected, would be too large by a third of G²."""
    result = run(Settings(**{**SMALL, "tuple_length": [2], "pairs": 4000, "tuples_per_pair": 4}))
    exact = result["variance"].sel(predictor="product", dim=5).item()
    assert result["sampled_low"].item() < exact < result["sampled_high"].item()
    assert result["sampled_high"].item() < 0.15


@pytest.mark.parametrize(("tuple_length", "power"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_the_largest_variance_falls_with_a_whole_power_of_the_dimension(tuple_length, power):
    slope = np.log(largest_variance(tuple_length, 2000) / largest_variance(tuple_length, 1000)) / np.log(2)
    assert slope == pytest.approx(-power, abs=0.01)


def test_the_measurement_keeps_the_data_contract(small, tmp_path):
    dataset.write(small, tmp_path / "tuples.nc", {"title": "theorem 3"})
