"""Theorem 1's variance: the closed form against all targets, all inputs and autograd."""

from itertools import product

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.linalg import hadamard

from gradient_failures.problems.parity import experiment, gradient_variance
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
from gradient_failures.training.seeds import stream

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


LOSS_OF = {
    "squared": lambda scores, labels: (scores - labels).square() / 2,
    "hinge": lambda scores, labels: (1 - labels * scores).relu(),
}


def gradients_of_scores(layers):
    """Scores (n,) at all inputs, and their gradients (n, parameters) by autograd."""
    inputs = all_inputs(len(layers[0]) - 1)
    blocks = torch.func.jacrev(lambda *leaves: scores_of(leaves, inputs), tuple(range(len(layers))))(*layers)
    return scores_of(layers, inputs), torch.cat([block.flatten(1) for block in blocks], 1)


def slopes(loss, scores, labels):
    """Slopes of the loss in the scores (n,) by autograd, for ``labels`` (…, n), and of their shape."""
    return torch.func.grad(lambda at: LOSS_OF[loss](at, labels).sum())(scores.expand_as(labels))


def gradients_by_target(scores, gradients, loss, labels):
    """Gradient of the mean loss over all inputs for each target's labels (m, n): (m, parameters)."""
    return slopes(loss, scores, labels) @ gradients / len(scores)


def gradients_by_input(scores, gradients, labels):
    """Gradient of the hinge loss at every input: (n, parameters)."""
    return slopes("hinge", scores, labels)[:, None] * gradients


def spread(rows):
    """Mean squared distance of the rows from their mean."""
    return (rows - rows.mean(0)).square().sum(1).mean().item()


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
    parities = all_parities(len(layers[0]) - 1)
    expected = spread(gradients_by_target(*gradients_of_scores(layers), loss, parities))
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
    layers = network(4, [5, 3], scale=2.0)
    found = np.concatenate([block[row] for block in enumerated_gradients(layers)], axis=1)
    expected = gradients_by_target(*gradients_of_scores(layers), loss, all_parities(4))
    np.testing.assert_allclose(
        found.mean(axis=0) - found, expected - expected.mean(0), rtol=1e-10, atol=1e-14
    )


@pytest.mark.parametrize("hidden", [[3], [4, 2], [3, 3, 3]])
def test_the_factors_make_up_the_gradient_of_autograd(hidden):
    layers = network(3, hidden)
    scores, factors = gradient_factors(layers, all_inputs(3))
    products = [(activations[:, :, None] * errors[:, None]).flatten(1) for activations, errors in factors]
    expected_scores, expected = gradients_of_scores(layers)
    torch.testing.assert_close(torch.cat(products, 1), expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(scores, expected_scores)


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
    each = gradients_by_input(*gradients_of_scores(layers), labels)
    trace, square = hinge_noise(layers, all_inputs(4), labels, exhaustive=True)
    assert trace == pytest.approx(spread(each), rel=1e-12)
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


def initial_layers(dim, architecture, seed):
    rng = stream("parity", "weights", dim=dim, architecture=architecture, seed=seed)
    widths = [int(factor) * dim for factor in architecture.replace("d", "").split("-")]
    return [layer.double() for layer in dense_weights([dim, *widths, 1], rng)]


def labels_of(dim, seed):
    """The labels of a run's own target at all inputs, of which the i-th holds the bits of i."""
    target = stream("parity", "target", dim=dim, fixed_subset_size="random", seed=seed).integers(
        0, 2, dim, dtype=np.uint8
    )
    return all_parities(dim)[sum(int(bit) << place for place, bit in enumerate(target))]


@pytest.mark.expects("parity.gradient_variance", "decay_rate", "variance_over_run_noise")
def test_variance_noise_and_rate_at_initial_weights_are_those_of_autograd():
    architectures = ["10d", "2d-3d"]
    small = {**SMALL, "architecture": architectures, "enumerable_dim": 9, "checkpoints": [0]}
    found = run(Settings(**small), range(2))
    for seed, architecture in product(range(2), architectures):
        fall = {}
        for dim in (2, 8, 9):
            scores, gradients = gradients_of_scores(initial_layers(dim, architecture, seed))
            size = gradients.square().sum(1).mean().item()
            variance = {
                name: spread(gradients_by_target(scores, gradients, name, all_parities(dim)))
                for name in LOSSES
            }
            each = gradients_by_input(scores, gradients, labels_of(dim, seed))
            batch_noise = spread(each) / 16
            expected = {
                "bound": size / 2**dim,
                "sgd_noise": batch_noise,
                "run_noise": batch_noise / 40,
                "variance_over_run_noise": variance["hinge"] / (batch_noise / 40),
                "float32_resolution": 2.0**-48 * (each.mean(0).square().sum().item() + batch_noise),
            }
            at = found.sel(seed=seed, architecture=architecture, dim=dim)
            for name, value in expected.items():
                assert at[name].item() == pytest.approx(value, rel=1e-9)
            for name, value in variance.items():
                assert at["variance"].sel(loss=name).item() == pytest.approx(value, rel=1e-9)
                ratio = at["variance_over_bound"].sel(loss=name).item()
                assert ratio == pytest.approx(value / (size / 2**dim), rel=1e-9)
                fall[name, dim] = np.log2(value / size)
        for name in LOSSES:
            rate = found["decay_rate"].sel(seed=seed, architecture=architecture, loss=name).item()
            assert rate == pytest.approx(fall[name, 8] - fall[name, 9], rel=1e-9)
    squared, hinge = (found["variance"].sel(loss=loss, dim=9, architecture="10d") for loss in LOSSES)
    assert (hinge < 0.99 * squared).all()
    np.testing.assert_allclose(found["decay_rate"].sel(loss="squared"), 1, atol=0.01)


def test_the_rate_is_the_slope_of_least_squares_from_eight_bits_on():
    found = run(Settings(**{**SMALL, "dim": [2, 8, 9, 12], "checkpoints": [0]}), [0])
    fitted = np.log2((found["variance_over_bound"] / 2.0 ** found["dim"]).sel(dim=[8, 9, 12]))
    for loss, architecture in product(LOSSES, SMALL["architecture"]):
        heights = fitted.sel(seed=0, loss=loss, architecture=architecture).values
        slope, _ = np.linalg.lstsq(np.array([[8, 1], [9, 1], [12, 1]]), heights)[0]
        rate = found["decay_rate"].sel(seed=0, loss=loss, architecture=architecture).item()
        assert rate == pytest.approx(-slope, rel=1e-9)


@pytest.mark.expects("parity.gradient_variance", "enumerated_over_bound")
def test_variance_and_noise_along_training_are_those_of_autograd(small):
    for seed, dim in product(range(2), SMALL["trained_dim"]):
        learner = experiment.ParityLearner(experiment.Settings(dim=dim, **TRAINING), [seed])
        for step in (0, 20, 40):
            learner.advance(20 if step else 0)
            scores, gradients = gradients_of_scores([layer[0].double() for layer in learner.network.layers])
            bound = gradients.square().sum(1).mean().item() / 2**dim
            noise = spread(gradients_by_input(scores, gradients, labels_of(dim, seed))) / 16
            at = small.sel(seed=seed, trained_dim=dim, enumerated_dim=dim, step=step)
            assert at["trained_bound"].item() == pytest.approx(bound, rel=1e-9)
            assert at["trained_run_noise"].item() == pytest.approx(noise / 40, rel=1e-9)
            for name in LOSSES:
                variance = spread(gradients_by_target(scores, gradients, name, all_parities(dim)))
                for found, expected in (
                    ("trained_variance", variance),
                    ("trained_variance_over_bound", variance / bound),
                    ("enumerated_variance", variance),
                    ("enumerated_over_bound", variance / bound),
                ):
                    assert at[found].sel(loss=name).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.expects("parity.gradient_variance", "closed_form_error")
@pytest.mark.parametrize("factor", [1.25, 0.75])
def test_a_closed_form_that_is_a_quarter_off_is_found_to_be(monkeypatch, factor):
    def wrong(layers, inputs):
        variance, error, bound = parity_variance(layers, inputs)
        return variance * factor, error, bound

    monkeypatch.setattr(gradient_variance, "parity_variance", wrong)
    found = run(Settings(**{**SMALL, "checkpoints": [0, 20]}), [0])["closed_form_error"]
    assert dict(found.sizes) == {"seed": 1, "enumerated_dim": 2, "step": 2, "loss": 2}
    np.testing.assert_allclose(found, 0.25, rtol=1e-10)


def test_the_signal_is_the_half_difference_of_a_target_from_its_opposite(small):
    """By size of the target, on average, at the largest dimension enumerated."""
    exact, parities = gradients_of_scores(initial_layers(4, "10d", 1)), all_parities(4)
    for name in LOSSES:
        one, opposite = (gradients_by_target(*exact, name, sign * parities) for sign in (1, -1))
        half = (one - opposite) / 2
        signals = half.square().sum(1).tolist()
        for size in range(5):
            of_size = [signal for target, signal in enumerate(signals) if target.bit_count() == size]
            found = small["signal_by_size"].sel(seed=1, loss=name, subset_size=size).item()
            assert found == pytest.approx(np.mean(of_size), rel=1e-9)


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
