"""The comparison of the gradient estimates: closed forms by enumeration of all returns, samples by errors."""

from itertools import product

import numpy as np
import pytest
import torch

from gradient_failures import dataset
from gradient_failures.diagnostics.estimator_noise import Settings, expected_second_moment, measure
from gradient_failures.experiments.allocation import logit_gradient


def softmax_case(n_stocks, seed=0):
    rng = np.random.default_rng(seed)
    shares = torch.softmax(torch.from_numpy(rng.standard_normal((5, n_stocks))), 1)
    return shares, torch.from_numpy(rng.integers(0, n_stocks, 5))


def all_estimates(shares, labels):
    """The end-to-end estimates at all returns that are possible, shape (returns, n, k)."""
    estimates = []
    for signs in product([-1.0, 1.0], repeat=shares.shape[1] - 1):
        returns = torch.empty_like(shares)
        for row, label in enumerate(labels.tolist()):
            returns[row] = torch.tensor([*signs[:label], 1.0, *signs[label:]])
        estimates.append(logit_gradient(shares, labels, returns))
    return torch.stack(estimates)


@pytest.mark.parametrize("n_stocks", [2, 3, 6])
def test_the_mean_over_all_returns_is_the_decomposition_gradient(n_stocks):
    shares, labels = softmax_case(n_stocks)
    mean = all_estimates(shares, labels).mean(0)
    torch.testing.assert_close(mean, logit_gradient(shares, labels, None), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_stocks", [2, 3, 6])
def test_the_second_moment_by_enumeration_of_all_returns(n_stocks):
    shares, labels = softmax_case(n_stocks)
    enumerated = all_estimates(shares, labels).square().sum(2).mean(0)
    torch.testing.assert_close(expected_second_moment(shares, labels), enumerated, rtol=1e-12, atol=1e-14)


def test_sampled_and_expected_ratio_agree_and_are_about_the_number_of_stocks(tmp_path):
    result = measure(Settings(n_stocks=[10, 200], n_inputs=400, initialisations=20))
    dataset.write(result, tmp_path / "noise.nc", {"title": "noise"})
    for k in (10, 200):
        run = result.sel(n_stocks=k)
        error = 4 * run["ratio_by_stocks"].std(ddof=1) / np.sqrt(20)
        assert abs(run["ratio_by_stocks"].mean() - run["expected_ratio_by_stocks"].mean()) < error
        assert run["expected_ratio_by_stocks"].values == pytest.approx(1, abs=0.02)
        assert abs(run["relative_bias"].mean()) < 4 * run["relative_bias"].std(ddof=1) / np.sqrt(20)


def test_an_estimate_that_is_wrong_by_a_tenth_would_be_seen():
    result = measure(Settings(n_stocks=[50], n_inputs=1000, initialisations=20))
    half = 2.1 * result["relative_bias"].std(ddof=1) / np.sqrt(20)
    assert half < 0.05
