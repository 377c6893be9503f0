"""Theorem 1's variance: the closed form against all targets, all inputs and autograd."""

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.linalg import hadamard

from gradient_failures.problems.parity import experiment
from gradient_failures.problems.parity.gradient_variance import (
    LOSSES,
    Settings,
    all_inputs,
    enumerated_gradients,
    gradient_factors,
    hinge_noise,
    parity_variance,
    run,
    walsh_hadamard,
)
from gradient_failures.results import dataset
from gradient_failures.training.layers import dense_weights, relu_network

TRAINING = {"steps": 40, "eval_every": 20, "eval_samples": 200, "batch_size": 16, "learning_rate": 0.05}
SMALL = {
    "dim": [2, 8, 9],
    "architecture": ["10d", "10d-10d"],
    "trained_dim": [3, 4],
    "checkpoints": [0, 20, 40],
    "enumerable_dim": 4,
    "sampled_inputs": 64,
    "training": TRAINING,
}


def network(dim, hidden, scale=1.0, seed=0):
    """Weights with biases, of which larger ones put scores on both sides of the margin."""
    rng = np.random.default_rng(seed)
    layers = [layer.double() * scale for layer in dense_weights([dim, *hidden, 1], rng)]
    for layer in layers:
        layer[-1] = torch.from_numpy(rng.standard_normal(layer.shape[1])) * scale / 5
    return layers


def all_parities(dim):
    """Labels (2^d targets, 2^d inputs) of every parity, bit by bit."""
    numbers = range(2**dim)
    return torch.tensor([[(-1.0) ** (v & x).bit_count() for x in numbers] for v in numbers]).double()


def scores_of(layers, inputs):
    """Scores (n,) of one network at inputs (n, d + 1)."""
    return relu_network([layer[None] for layer in layers], inputs[None, :, :-1]).flatten()


def flat_gradient(layers, loss):
    """Gradient, by autograd, of ``loss`` of the scores at all inputs, as one vector."""
    leaves = [layer.clone().requires_grad_() for layer in layers]
    scores = scores_of(leaves, all_inputs(len(layers[0]) - 1))
    return torch.cat([grad.ravel() for grad in torch.autograd.grad(loss(scores), leaves)])


def variance_by_definition(layers, loss):
    """E_h ‖∇F_h - E_h' ∇F_h'‖² over every parity, each gradient by autograd over every input."""
    dim = len(layers[0]) - 1
    gradients = torch.stack(
        [flat_gradient(layers, lambda scores, h=h: loss(scores, h).mean()) for h in all_parities(dim)]
    )
    return (gradients - gradients.mean(0)).square().sum(1).mean().item()


BY_NAME = {
    "squared": lambda scores, labels: (scores - labels).square() / 2,
    "hinge": lambda scores, labels: (1 - labels * scores).relu(),
}

networks = st.builds(
    network,
    st.integers(1, 5),
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.floats(0.3, 4),
    st.integers(0, 10**6),
)


@given(networks)
@pytest.mark.parametrize(("row", "loss"), list(enumerate(LOSSES)))
def test_the_closed_form_is_the_variance_over_all_targets(row, loss, layers):
    variance, _, bound = parity_variance(layers, all_inputs(len(layers[0]) - 1))
    expected = variance_by_definition(layers, BY_NAME[loss])
    assert variance[row].item() == pytest.approx(expected, rel=1e-12, abs=1e-12 * bound)
    assert expected <= bound * (1 + 1e-12)


@pytest.mark.parametrize("dim", [8, 10])
def test_the_closed_form_at_the_network_of_the_paper_up_to_ten_bits(dim):
    layers = network(dim, [10 * dim], scale=2.0)
    variance, _, bound = parity_variance(layers, all_inputs(dim))
    enumerated = sum(block.var(axis=1).sum(axis=1) for block in enumerated_gradients(layers))
    np.testing.assert_allclose(variance, enumerated, rtol=1e-12)
    assert 0.25 < variance[1] / bound < 0.9  # scores on both sides of the margin
    assert 0.99 < variance[0] / bound < 1


@pytest.mark.parametrize(("row", "loss"), list(enumerate(LOSSES)))
def test_the_enumeration_gives_the_part_of_every_gradient_that_depends_on_its_target(row, loss):
    dim, layers = 4, network(4, [5, 3], scale=2.0)
    found = np.concatenate([block[row] for block in enumerated_gradients(layers)], axis=1)
    gradients = torch.stack(
        [
            flat_gradient(layers, lambda scores, h=h: BY_NAME[loss](scores, h).mean())
            for h in all_parities(dim)
        ]
    )
    centred = gradients - gradients.mean(0)
    found = found - found.mean(axis=0)
    np.testing.assert_allclose(-found, centred.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("hidden", [[3], [4, 2], [3, 3, 3]])
def test_the_factors_make_up_the_gradient_of_autograd(hidden):
    layers = network(3, hidden)
    scores, factors = gradient_factors(layers, all_inputs(3))
    for i in range(8):
        expected = flat_gradient(layers, lambda values, i=i: values[i])
        products = [torch.outer(activations[i], errors[i]).ravel() for activations, errors in factors]
        torch.testing.assert_close(torch.cat(products), expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(scores, scores_of(layers, all_inputs(3)))


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_walsh_hadamard_transform(dim):
    values = np.random.default_rng(0).standard_normal((2, 2**dim, 3))
    np.testing.assert_allclose(walsh_hadamard(values), hadamard(2**dim) @ values, atol=1e-12)
    np.testing.assert_allclose(walsh_hadamard(walsh_hadamard(values)), 2**dim * values, atol=1e-12)


def test_inputs_are_those_of_the_experiment():
    targets = np.array([[1, 0, 1]], dtype=np.uint8)
    (inputs,), (labels,) = experiment.sample(targets, 200, "signs", [np.random.default_rng(0)])
    everything, signs = all_inputs(3), all_parities(3)[0b101]
    rows = ((everything[:, None] == inputs).all(2)).nonzero()
    assert len(rows) == 200
    for row, drawn in rows.tolist():
        assert signs[row] == labels[drawn]


def test_the_noise_of_all_inputs_is_the_covariance_of_their_gradients():
    layers, labels = network(4, [5], scale=2.0), all_parities(4)[0b0110]
    each = torch.stack(
        [
            flat_gradient(layers, lambda scores, i=i: BY_NAME["hinge"](scores, labels)[i])
            for i in range(len(labels))
        ]
    )
    trace, square = hinge_noise(layers, all_inputs(4), labels, exhaustive=True)
    assert trace == pytest.approx(each.var(0, correction=0).sum().item(), rel=1e-12)
    assert square == pytest.approx(each.mean(0).square().sum().item(), rel=1e-12)


def test_estimates_from_sampled_inputs_agree_with_all_inputs():
    dim, layers, rng = 6, network(6, [20], scale=2.0), np.random.default_rng(1)
    inputs, labels = all_inputs(dim), all_parities(dim)[0b011010]
    exact, _, _ = parity_variance(layers, inputs)
    exact_noise = hinge_noise(layers, inputs, labels, exhaustive=True)
    draws = [torch.from_numpy(rng.integers(0, 2**dim, 40)) for _ in range(400)]
    sampled = torch.stack([parity_variance(layers, inputs[rows])[0] for rows in draws])
    errors = torch.stack([parity_variance(layers, inputs[rows])[1] for rows in draws])
    noise = torch.tensor(
        [hinge_noise(layers, inputs[rows], labels[rows], exhaustive=False) for rows in draws]
    )
    assert ((sampled.mean(0) - exact).abs() < 4 * sampled.std(0) / 20).all()
    np.testing.assert_allclose(errors.mean(0), sampled.std(0), rtol=0.15)
    assert ((noise.mean(0) - torch.tensor(exact_noise)).abs() < 4 * noise.std(0) / 20).all()


@pytest.fixture(scope="module")
def small():
    return run(Settings(**SMALL), range(2))


def test_the_runs_followed_are_those_of_the_experiment(small):
    for dim in SMALL["trained_dim"]:
        trained = experiment.run(experiment.Settings(dim=dim, **TRAINING), [0, 1])
        np.testing.assert_array_equal(small["accuracy"].sel(trained_dim=dim), trained["accuracy"])
    assert small["accuracy"].std() > 0


def test_the_start_of_a_run_is_the_initial_network():
    both = run(Settings(**{**SMALL, "dim": [8, 9], "trained_dim": [4, 8], "checkpoints": [0]}), range(2))
    start, initial = both.sel(trained_dim=8).isel(step=0), both.sel(dim=8, architecture="10d")
    for name in ("variance", "bound", "sgd_noise"):
        np.testing.assert_allclose(
            start[f"trained_{name}"].transpose(..., "seed"), initial[name].transpose(..., "seed"), rtol=1e-12
        )


def test_the_rate_is_one_per_bit_and_is_fitted_from_eight_bits_on(small):
    large = small.sel(dim=[8, 9])
    logarithm = np.log2(large["variance"] / large["bound"] / 2.0 ** large["dim"])
    expected = logarithm.sel(dim=8) - logarithm.sel(dim=9)
    np.testing.assert_allclose(small["decay_rate"].transpose(*expected.dims), expected, rtol=1e-10)
    np.testing.assert_allclose(small["decay_rate"].sel(loss="squared"), 1, atol=0.01)


def test_the_mean_signal_over_all_targets_is_the_variance_and_the_squared_mean(small):
    choose = np.array([1, 4, 6, 4, 1])
    mean = (small["signal_by_size"] * choose).sum("subset_size") / 16
    variance = small["enumerated_variance"].sel(enumerated_dim=4, step=0, drop=True)
    assert (mean > variance).all()
    np.testing.assert_allclose(mean, variance, rtol=0.2)


def test_enumeration_agrees_along_training(small):
    assert small["closed_form_error"].max() < 1e-12
    assert small["enumerated_over_bound"].max() <= 1
    assert small["enumerated_dim"].values.tolist() == [3, 4]
    assert small["step"].values.tolist() == [0, 20, 40]


def test_a_seed_is_the_same_whatever_the_others(small):
    second = run(Settings(**SMALL), [1])
    xr.testing.assert_identical(second, small.sel(seed=[1]))


def test_the_measurement_keeps_the_data_contract(small, tmp_path):
    dataset.write(small, tmp_path / "variance.nc", {"title": "theorem 1"})
    assert {variable.dtype.kind for variable in small.data_vars.values()} == {"f"}
    assert (small["variance_error"].sel(dim=[8, 9]) > 0).all()
    assert (small["variance_error"].sel(dim=2) == 0).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dim": [2, 8]}, "two values from 8 on"),
        ({"trained_dim": [5]}, "up to enumerable_dim"),
        ({"checkpoints": [20, 0]}, "must rise"),
        ({"checkpoints": [0, 60]}, "training.steps 40"),
    ],
)
def test_settings_that_cannot_be_measured_are_refused(changes, said):
    with pytest.raises(ValidationError, match=said):
        Settings(**{**SMALL, **changes})
