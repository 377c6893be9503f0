"""The comparison of the gradient estimates: autograd, and closed forms by enumeration of all returns."""

from itertools import product

import numpy as np
import pytest
import torch

from gradient_failures.problems.allocation.estimator_noise import Settings, expected_second_moment, run
from gradient_failures.problems.allocation.experiment import logit_gradient, sample_returns
from gradient_failures.results import dataset
from gradient_failures.training.layers import truncated_normal
from gradient_failures.training.seeds import stream


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


@pytest.mark.expects("allocation.estimator_noise", "relative_bias", "ratio_by_stocks")
def test_moments_are_those_of_the_gradients_that_autograd_finds(tmp_path):
    result = run(Settings(n_stocks=[3, 5], n_inputs=7), [2, 0])
    dataset.write(result, tmp_path / "noise.nc", {"title": "noise"})
    for k, seed in product([3, 5], [2, 0]):
        for_labels, for_weights, for_returns = (
            stream("estimator_noise", purpose, n_stocks=k, seed=seed)
            for purpose in ("labels", "weights", "returns")
        )
        labels = torch.from_numpy(for_labels.integers(0, k, 7))
        logits = truncated_normal((7, k), 7**-0.5, for_weights).double().requires_grad_()
        shares = torch.softmax(logits, 1)
        gain = (shares * sample_returns(labels, k, [for_returns])).sum()
        moved = shares[range(7), labels].sum()
        ours, theirs = (torch.autograd.grad(-value, logits, retain_graph=True)[0] for value in (gain, moved))
        norm = theirs.square().sum()
        second_moment = all_estimates(shares.detach(), labels).square().sum() / 2 ** (k - 1)
        expected = {
            "relative_bias": (ours * theirs).sum() / norm - 1,
            "ratio_by_stocks": ours.square().sum() / norm / k,
            "expected_ratio_by_stocks": second_moment / norm / k,
        }
        for name, value in expected.items():
            found = result[name].sel(n_stocks=k, seed=seed).item()
            assert found == pytest.approx(value.item(), rel=1e-9)


def test_sampled_and_expected_ratio_agree_and_are_about_the_number_of_stocks():
    result = run(Settings(n_stocks=[10, 200], n_inputs=400), range(20))
    for k in (10, 200):
        found = result.sel(n_stocks=k)
        error = 4 * found["ratio_by_stocks"].std(ddof=1) / np.sqrt(20)
        assert abs(found["ratio_by_stocks"].mean() - found["expected_ratio_by_stocks"].mean()) < error
        assert found["expected_ratio_by_stocks"].values == pytest.approx(1, abs=0.02)
        assert abs(found["relative_bias"].mean()) < 4 * found["relative_bias"].std(ddof=1) / np.sqrt(20)


def test_an_estimate_that_is_wrong_by_a_tenth_would_be_seen():
    result = run(Settings(n_stocks=[50], n_inputs=1000), range(20))
    half = 2.1 * result["relative_bias"].std(ddof=1) / np.sqrt(20)
    assert half < 0.05
