"""The experiment on tuples: its networks against torch's own layers, its losses, streams and options."""

import numpy as np
import pytest
import torch
import torch.nn.functional as torch_functions
import xarray as xr

from gradient_failures import dataset
from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.config.tuples import TuplesPoint, TuplesTraining
from gradient_failures.experiments.tuples import METRICS, TuplesLearner, agreement, hinge, train
from gradient_failures.line_images import SIZE, draw_lines, rasterise
from gradient_failures.tuple_networks import ScoreNetwork, SparseConvolutionAndPool, TupleNetwork

ADAM = AdamConfig(learning_rate=1e-3, beta1=0.9, beta2=0.99, epsilon=1e-5, epsilon_form="tensorflow")
TRAINING = TuplesTraining(
    steps=6, eval_every=3, batch_size=10, eval_tuples=35, fixed_tuples=50, optimiser=ADAM
)


def rng(seed=3):
    return np.random.default_rng(seed)


def images(count, dtype=torch.float64):
    return rasterise(draw_lines(count, "released", rng()), "released").to(dtype)


def point(**axes):
    return TuplesPoint(**{"approach": "end_to_end", "tuple_length": 2, **axes})


def doubled(network):
    """The network with its weights in float64, ready for autograd."""
    for name in ("first", "first_bias", "second", "second_bias"):
        value = getattr(network, name).double()
        setattr(network, name, (value + 0.1 if "bias" in name else value).requires_grad_())
    network.dense = [layer.double().requires_grad_() for layer in network.dense]
    return network


def scores_by_torch_layers(network, pictures):
    """N1 as §3.1 describes it, from convolutions and max-pooling of torch."""
    kernel = network.first.T.reshape(16, 1, 5, 5)
    maps = torch_functions.conv2d(pictures[:, None], kernel, network.first_bias, padding=2)
    maps = torch_functions.max_pool2d(maps, 2)
    maps = torch_functions.conv2d(maps, network.second, network.second_bias, padding=2)
    outputs = torch_functions.max_pool2d(maps, 2).permute(0, 2, 3, 1).flatten(1)
    for depth, layer in enumerate(network.dense):
        outputs = torch_functions.linear(outputs, layer[:-1].T, layer[-1])
        outputs = torch.relu(outputs) if depth < 2 else outputs
    return outputs[:, 0]


def test_scores_and_gradients_are_those_of_torch_layers():
    network, pictures = doubled(ScoreNetwork("released", rng())), images(50)
    weights = torch.from_numpy(rng(4).standard_normal(50))
    results = []
    for scores in (network.scores(pictures), scores_by_torch_layers(network, pictures)):
        for parameter in network.parameters():
            parameter.grad = None
        (scores * weights).sum().backward()
        results.append([scores.detach(), *[parameter.grad.clone() for parameter in network.parameters()]])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "lit", [[], [(0, 0)], [(27, 27)], [(0, 27), (13, 14)], [(5, 5), (5, 6), (6, 5), (6, 6)]]
)
def test_sparse_convolution_where_light_is_at_edges_or_nowhere(lit):
    picture = torch.zeros(1, SIZE, SIZE, dtype=torch.float64)
    for pixel in lit:
        picture[0][pixel] = 1
    weights, bias = torch.from_numpy(rng().standard_normal((25, 3))), torch.tensor([0.5, -0.5, 0.0]).double()
    maps = SparseConvolutionAndPool.apply(picture, weights, bias)
    convolved = torch_functions.conv2d(picture[:, None], weights.T.reshape(3, 1, 5, 5), bias, padding=2)
    torch.testing.assert_close(maps, torch_functions.max_pool2d(convolved, 2))


def test_sizes_of_the_networks():
    network = TupleNetwork(4, "released", rng(), rng())
    first, second = 16 * 25 + 16, 16 * 16 * 25 + 16
    dense = 784 * 50 + 50 + 50 * 100 + 100 + 100 + 1
    assert sum(map(torch.numel, network.score_network.parameters())) == first + second + dense
    assert sum(map(torch.numel, network.dense)) == 4 * 100 + 100 + 100 + 1


@pytest.mark.parametrize(("scale", "first", "second"), [("released", 28, 16), ("fan_in", 25, 400)])
def test_initial_scale_of_the_convolutions(scale, first, second):
    cut = 0.8796256610342398  # standard deviation of a normal cut at two of its standard deviations
    networks = [ScoreNetwork(scale, rng(seed)) for seed in range(20)]
    for name, fan_in in (("first", first), ("second", second)):
        weights = torch.cat([getattr(network, name).flatten() for network in networks])
        assert weights.std().item() == pytest.approx(cut * fan_in**-0.5, rel=0.03)
        assert weights.abs().max().item() <= 2 * fan_in**-0.5
    assert not networks[0].first_bias.any()


def test_the_second_network_sees_sigmoids_of_the_scores_of_its_own_tuple():
    network, pictures = TupleNetwork(3, "released", rng(1), rng(2)), images(12, torch.float32)
    outputs, scores = network.outputs(pictures)
    torch.testing.assert_close(scores.flatten(), network.score_network.scores(pictures))
    hidden = torch.relu(torch.sigmoid(scores) @ network.dense[0][:-1] + network.dense[0][-1])
    torch.testing.assert_close(outputs, (hidden @ network.dense[1][:-1] + network.dense[1][-1])[:, 0])


def test_the_losses_of_the_two_approaches():
    for approach in ("end_to_end", "decomposition", "end_to_end_long"):
        learner = TuplesLearner(point(approach=approach), TRAINING, seed=0)
        lines = learner._batch()
        outputs, scores, labels = learner._apply(lines)
        assert labels.tolist() == [[1.0 if line[0] < np.pi / 2 else -1.0 for line in pair] for pair in lines]
        primary = torch.stack(
            [max(1 - a * b * out, out * 0) for (a, b), out in zip(labels, outputs, strict=True)]
        )
        secondary = torch.relu(1 - labels * scores)
        expected = primary.mean() + (secondary.mean() if approach == "decomposition" else 0)
        torch.testing.assert_close(learner._loss(lines), expected)


def test_a_step_is_adam_on_the_gradient_of_a_fresh_batch():
    ours, theirs = (TuplesLearner(point(), TRAINING, seed=0) for _ in range(2))
    adam = torch.optim.Adam(theirs.parameters, lr=1e-3, betas=(0.9, 0.99), eps=1e-5)
    for step in range(1, 5):
        adam.param_groups[0]["eps"] = 1e-5 / (1 - 0.99**step) ** 0.5
        adam.zero_grad()
        theirs._loss(theirs._batch()).backward()
        adam.step()
    ours.advance(4)
    for mine, other in zip(ours.parameters, theirs.parameters, strict=True):
        torch.testing.assert_close(mine, other)


def test_hinge_and_agreement():
    outputs, labels = torch.tensor([2.0, 0.5, -1.0, 0.0]), torch.tensor([1.0, -1.0, -1.0, 1.0])
    assert hinge(outputs, labels).item() == pytest.approx((0 + 1.5 + 0 + 1) / 4)
    assert agreement(outputs, labels) == 0.5


def test_approaches_share_initial_weights_and_tuples():
    learners = [TuplesLearner(point(approach=name), TRAINING, 5) for name in ("end_to_end", "decomposition")]
    for one, other in zip(*(learner.parameters for learner in learners), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    batches = [torch.stack([learner._batch() for _ in range(3)]) for learner in learners]
    assert torch.equal(*batches)
    assert not torch.equal(batches[0], TuplesLearner(point(), TRAINING, 6)._batch())


def test_a_fixed_training_set_is_drawn_from_again_and_again():
    learner = TuplesLearner(point(training_set="fixed"), TRAINING, 0)
    known = {tuple(line) for line in learner.fixed.flatten(0, 1).tolist()}
    assert len(known) == 50 * 2
    seen = {tuple(line) for _ in range(40) for line in learner._batch().flatten(0, 1).tolist()}
    assert seen == known
    fresh = TuplesLearner(point(), TRAINING, 0)
    assert (
        len({tuple(line) for _ in range(40) for line in fresh._batch().flatten(0, 1).tolist()}) == 40 * 10 * 2
    )


def test_a_run_keeps_the_data_contract_and_is_the_same_again_in_blocks_of_any_size(tmp_path):
    axes = point(approach="decomposition")
    together = train(axes, TRAINING, [0, 1])
    dataset.write(together, tmp_path / "run.nc", {"title": "a run"})
    assert together["step"].values.tolist() == [0, 3, 6]
    assert set(METRICS) <= set(together)
    apart = xr.concat([train(axes, TRAINING, [seed]) for seed in (0, 1)], dim="seed")
    xr.testing.assert_identical(together, apart)


def test_one_run_at_a_few_hundred_steps_learns_single_images():
    training = TRAINING.model_copy(
        update={"steps": 300, "eval_every": 300, "batch_size": 100, "eval_tuples": 1000}
    )
    run = train(point(approach="decomposition", tuple_length=1), training, [0])
    assert run["accuracy"].values[0, -1] > 0.85
    assert run["image_accuracy"].values[0, -1] > 0.85


@pytest.mark.parametrize("option", ["rasterisation", "initial_scale", "training_set"])
def test_options_change_what_is_trained(option):
    value = {"rasterisation": "text", "initial_scale": "fan_in", "training_set": "fixed"}[option]
    assert not train(point(), TRAINING, [0])["loss"].equals(
        train(point(**{option: value}), TRAINING, [0])["loss"]
    )
