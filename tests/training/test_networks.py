"""The hand-written network against autograd, torch modules and a formula written out."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures.training.layers import dense_weights, truncated_normal
from gradient_failures.training.networks import DenseNetwork, HingeNetwork

SD_OF_THE_CUT_NORMAL = 0.8796256610342398  # √(1 - 4 φ(2) / (2 Φ(2) - 1))

SIZES = st.integers(1, 6)
PROBLEMS = {
    "dim": SIZES,
    "batch": st.integers(1, 8),
    "seed": st.integers(0, 2**32 - 1),
    "learning_rate": st.floats(1e-3, 0.3),
}


def random_problem(widths, batch, seed, n_seeds=2):
    """Layers with biases that are not 0, inputs with their column of ones, and labels; float64."""
    rng = np.random.default_rng(seed)
    layers = [
        torch.from_numpy(rng.standard_normal((n_seeds, fan_in + 1, fan_out)))
        for fan_in, fan_out in pairwise(widths)
    ]
    inputs = rng.standard_normal((n_seeds, batch, widths[0] + 1))
    inputs[:, :, -1] = 1
    labels = rng.choice([-1.0, 1.0], (n_seeds, batch, 1))
    return layers, torch.from_numpy(inputs), torch.from_numpy(labels)


def outputs_of(layers, inputs):
    """Outputs of the network of one seed."""
    hidden = inputs[:, :-1]
    for layer in layers[:-1]:
        hidden = torch.relu(hidden @ layer[:-1] + layer[-1])
    return hidden @ layers[-1][:-1] + layers[-1][-1]


def mean_hinge_loss(layers, inputs, labels):
    return torch.relu(1 - labels * outputs_of(layers, inputs)).mean()


def sgd_by_autograd(layers, inputs, labels, learning_rate):
    """The layers of all seeds after a step of each alone."""
    leaves = [layer.clone().requires_grad_() for layer in layers]
    for seed, (own_inputs, own_labels) in enumerate(zip(inputs, labels, strict=True)):
        mean_hinge_loss([leaf[seed] for leaf in leaves], own_inputs, own_labels).backward()
    return [(leaf - learning_rate * leaf.grad).detach() for leaf in leaves]


def copies(layers):
    return [layer.clone() for layer in layers]


def assert_close(layers, expected):
    for layer, other in zip(layers, expected, strict=True):
        torch.testing.assert_close(layer, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_truncated_normal_is_cut_at_two_and_has_the_deviation_of_the_cut_normal(scale):
    sample = truncated_normal((400, 500), scale, np.random.default_rng(0)).double() / scale
    assert sample.abs().max() <= 2 + 1e-6
    assert sample.abs().max() > 1.99
    assert sample.mean().item() == pytest.approx(0, abs=5 * SD_OF_THE_CUT_NORMAL / np.sqrt(sample.numel()))
    assert sample.std().item() == pytest.approx(SD_OF_THE_CUT_NORMAL, rel=0.01)


def test_truncated_normal_has_the_shape_of_the_normal_between_the_cuts():
    sample = truncated_normal((400, 500), 1.0, np.random.default_rng(1))
    inside_one = (sample.abs() < 1).double().mean().item()
    assert inside_one == pytest.approx(0.6826894921 / 0.9544997361, abs=0.006)


def test_dense_weights_have_a_bias_row_of_zeros_and_scale_with_fan_in():
    layers = dense_weights([30, 300, 200, 1], np.random.default_rng(0))
    assert [tuple(layer.shape) for layer in layers] == [(31, 300), (301, 200), (201, 1)]
    for layer, fan_in in zip(layers, [30, 300, 200], strict=True):
        assert layer.dtype == torch.float32
        assert not layer[-1].any()
        assert layer[:-1].all()
        assert layer[:-1].abs().max() <= 2.000001 / np.sqrt(fan_in)
    for layer, fan_in in zip(layers[:-1], [30, 300], strict=True):
        assert layer[:-1].std().item() * np.sqrt(fan_in) == pytest.approx(SD_OF_THE_CUT_NORMAL, rel=0.03)


def test_fan_in_counts_the_inputs_without_the_bias():
    weights = dense_weights([4, 20_000, 1], np.random.default_rng(0))[0][:-1]
    assert weights.std().item() * 2 == pytest.approx(SD_OF_THE_CUT_NORMAL, rel=0.01)


def test_dense_weights_follow_the_generator():
    first, again, other = (dense_weights([3, 4, 1], np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert not torch.equal(first[0].flatten()[:4], first[1].flatten()[:4])


@pytest.mark.parametrize("hidden", [[7], [7, 5], [7, 5, 3]])
def test_scores_are_those_of_the_same_network_built_of_torch_modules(hidden):
    widths = [4, *hidden, 1]
    layers, inputs, _ = random_problem(widths, batch=20, seed=0)
    scores = HingeNetwork(layers, batch_size=1).scores(inputs)
    assert scores.shape == (2, 20)
    for seed, own_scores in enumerate(scores):
        expected = modules_of([layer[seed] for layer in layers])(inputs[seed, :, :-1]).squeeze(1)
        torch.testing.assert_close(own_scores, expected, rtol=1e-12, atol=1e-12)


def modules_of(layers):
    modules = []
    for layer in layers:
        linear = torch.nn.Linear(layer.shape[0] - 1, layer.shape[1], dtype=torch.float64)
        linear.weight.data, linear.bias.data = layer[:-1].T.clone(), layer[-1].clone()
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def test_scores_leave_inputs_and_weights_alone():
    layers, inputs, _ = random_problem([3, 5, 1], batch=4, seed=0)
    before, inputs_before = copies(layers), inputs.clone()
    HingeNetwork(layers, batch_size=4).scores(inputs)
    assert torch.equal(inputs, inputs_before)
    assert all(torch.equal(a, b) for a, b in zip(layers, before, strict=True))


@pytest.mark.parametrize("depth", [1, 2, 3])
@given(data=st.data(), **PROBLEMS)
def test_sgd_steps_are_those_of_autograd(depth, data, dim, batch, seed, learning_rate):
    hidden = data.draw(st.lists(SIZES, min_size=depth, max_size=depth))
    layers, _, _ = random_problem([dim, *hidden, 1], batch, seed)
    network, expected = HingeNetwork(layers, batch), copies(layers)
    for step in range(3):
        _, inputs, labels = random_problem([dim, 1], batch, seed + step + 1)
        expected = sgd_by_autograd(expected, inputs, labels, learning_rate)
        network.sgd_step(inputs, labels, learning_rate)
        assert_close(network.layers, expected)


def test_the_step_of_one_hidden_layer_is_the_formula_summed_over_samples():
    layers, inputs, labels = random_problem([3, 8, 1], batch=16, seed=5, n_seeds=1)
    hidden_weights, output_weights = (layer[0].numpy().copy() for layer in layers)
    hidden_step, output_step = np.zeros_like(hidden_weights), np.zeros_like(output_weights)
    inside = 0
    for x, y in zip(inputs[0].numpy(), labels.numpy().ravel(), strict=True):
        before = hidden_weights.T @ x
        hidden = np.append(np.maximum(before, 0), 1.0)
        if y * (hidden @ output_weights[:, 0]) >= 1:
            continue
        inside += 1
        output_step[:, 0] += y * hidden / 16
        for unit in range(8):
            if before[unit] > 0:
                hidden_step[:, unit] += y * output_weights[unit, 0] * x / 16
    assert 0 < inside < 16
    HingeNetwork(layers, 16).sgd_step(inputs, labels, 0.1)
    np.testing.assert_allclose(layers[0][0].numpy(), hidden_weights + 0.1 * hidden_step, rtol=0, atol=1e-14)
    np.testing.assert_allclose(layers[1][0].numpy(), output_weights + 0.1 * output_step, rtol=0, atol=1e-14)


def test_float32_steps_follow_float64_steps():
    layers, inputs, labels = random_problem([5, 50, 1], batch=32, seed=2)
    single = HingeNetwork([layer.float() for layer in layers], 32)
    double = HingeNetwork(layers, 32)
    for _ in range(20):
        single.sgd_step(inputs.float(), labels.float(), 0.05)
        double.sgd_step(inputs, labels, 0.05)
    for one, other in zip(single.layers, double.layers, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5)


def constant_network(score):
    """A network whose score is ``score`` on every input, with active hidden units."""
    hidden, output = torch.ones(1, 3, 4, dtype=torch.float64), torch.zeros(1, 5, 1, dtype=torch.float64)
    output[:, -1] = score
    return HingeNetwork([hidden, output], batch_size=2)


@pytest.mark.parametrize(("score", "moves"), [(0.999, True), (1.0, False), (1.001, False), (50.0, False)])
@pytest.mark.parametrize("label", [1.0, -1.0])
def test_samples_at_or_beyond_the_margin_move_nothing(score, moves, label):
    network = constant_network(label * score)
    before = copies(network.layers)
    network.sgd_step(torch.ones(1, 2, 3).double(), torch.full((1, 2, 1), label).double(), 0.1)
    unchanged = all(torch.equal(a, b) for a, b in zip(network.layers, before, strict=True))
    assert unchanged is not moves


def test_only_the_samples_inside_the_margin_count():
    network = constant_network(2.0)
    before = copies(network.layers)
    network.sgd_step(torch.ones(1, 2, 3).double(), torch.tensor([[[1.0], [-1.0]]]).double(), 0.1)
    hidden_value = 3.0
    torch.testing.assert_close(network.layers[1][0, :-1], before[1][0, :-1] - 0.1 / 2 * hidden_value)
    torch.testing.assert_close(network.layers[1][0, -1], before[1][0, -1] - 0.1 / 2)


def test_weights_of_units_that_are_off_do_not_move():
    network = constant_network(0.0)
    network.layers[1][:, :-1] = 0.5
    network.layers[0][:, :, 1] = -1.0
    before = copies(network.layers)
    network.sgd_step(torch.ones(1, 2, 3).double(), -torch.ones(1, 2, 1).double(), 0.1)
    moved = (network.layers[0] != before[0])[0].all(dim=0).tolist()
    assert moved == [True, False, True, True]


def gradients_by_autograd(layers, inputs, error):
    """Gradients of the outputs' product with ``error``, which is then the gradient at the outputs."""
    leaves = [layer.clone().requires_grad_() for layer in layers]
    outputs = torch.stack(
        [outputs_of([leaf[seed] for leaf in leaves], own) for seed, own in enumerate(inputs)]
    )
    return outputs.detach(), torch.autograd.grad((outputs * error).sum(), leaves)


@pytest.mark.parametrize("hidden", [[], [7], [7, 5, 3]])
@pytest.mark.parametrize("outputs", [1, 4])
def test_backward_is_autograd_from_an_error_at_the_outputs(hidden, outputs):
    layers, inputs, _ = random_problem([3, *hidden, outputs], batch=6, seed=1)
    network = DenseNetwork(layers, batch_size=6)
    for seed in range(2):
        error = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 6, outputs)))
        expected, gradients = gradients_by_autograd(layers, inputs, error)
        torch.testing.assert_close(network.forward(inputs), expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(network.outputs(inputs), expected, rtol=1e-12, atol=1e-12)
        network.backward(error)
        assert_close([layer.grad for layer in layers], gradients)


def test_forward_and_backward_leave_inputs_weights_and_error_alone():
    layers, inputs, _ = random_problem([3, 5, 2], batch=4, seed=0)
    error = torch.ones(2, 4, 2, dtype=torch.float64)
    kept = copies([*layers, inputs, error])
    network = DenseNetwork(layers, batch_size=4)
    network.forward(inputs)
    network.backward(error)
    assert all(torch.equal(a, b) for a, b in zip([*layers, inputs, error], kept, strict=True))
