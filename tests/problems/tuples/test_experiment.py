"""The experiment on tuples: its networks against torch's own layers, its losses, streams and options."""

import numpy as np
import pytest
import torch
import torch.nn.functional as torch_functions
import xarray as xr

from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.problems.tuples.experiment import (
    VARIABLES,
    Settings,
    TuplesLearner,
    agreement,
    hinge,
    run,
)
from gradient_failures.problems.tuples.images import draw_lines, drawn, pixels_of
from gradient_failures.problems.tuples.networks import ScoreNetwork, TupleNetwork, initial_network
from gradient_failures.results import dataset
from gradient_failures.training.seeds import stream
from problems.tuples.test_images import drawn_pixel_by_pixel

ADAM = AdamConfig(learning_rate=1e-3, beta1=0.9, beta2=0.99, epsilon=1e-5, epsilon_form="tensorflow")
SIZES = {"steps": 6, "eval_every": 3, "batch_size": 10, "eval_tuples": 35, "fixed_tuples": 50}


def settings(**changes):
    return Settings(**{"approach": "end_to_end", "tuple_length": 2, "optimiser": ADAM, **SIZES, **changes})


def rng(seed=3):
    return np.random.default_rng(seed)


def pixels(count):
    return pixels_of(draw_lines(count, "released", rng()), "released")


def doubled(network):
    """The network with its weights in float64, ready for autograd."""
    for name in ("first", "first_bias", "second", "second_bias"):
        value = getattr(network, name).double()
        setattr(network, name, (value + 0.1 if "bias" in name else value).requires_grad_())
    network.dense = [layer.double().requires_grad_() for layer in network.dense]
    return network


def convolutions_by_torch(pictures, first, first_bias, second, second_bias):
    kernel = first.T.reshape(-1, 1, 5, 5)
    maps = torch_functions.conv2d(pictures[:, None], kernel, first_bias, padding=2)
    return torch_functions.conv2d(torch_functions.max_pool2d(maps, 2), second, second_bias, padding=2)


def scores_by_torch_layers(network, pictures, seed):
    """N1 of one seed as §3.1 describes it, from convolutions and max-pooling of torch."""
    maps = torch_functions.max_pool2d(
        convolutions_by_torch(
            pictures,
            network.first[seed],
            network.first_bias[seed],
            network.second[seed],
            network.second_bias[seed],
        ),
        2,
    )
    outputs = maps.permute(0, 2, 3, 1).flatten(1)
    for depth, layer in enumerate(layer[seed] for layer in network.dense):
        outputs = torch_functions.linear(outputs, layer[:-1].T, layer[-1])
        outputs = torch.relu(outputs) if depth < 2 else outputs
    return outputs[:, 0]


def test_scores_and_gradients_are_those_of_torch_layers():
    """For two seeds with different images."""
    network, lit = doubled(ScoreNetwork("released", [rng(1), rng(2)])), pixels(100).view(2, 50, -1)
    weights = torch.from_numpy(rng(4).standard_normal((2, 50)))
    by_torch = [
        scores_by_torch_layers(network, own.double(), seed) for seed, own in enumerate(map(drawn, lit))
    ]
    results = []
    for scores in (network.scores(lit), torch.stack(by_torch)):
        for parameter in network.parameters():
            parameter.grad = None
        (scores * weights).sum().backward()
        results.append([scores.detach(), *[parameter.grad.clone() for parameter in network.parameters()]])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_sizes_of_the_networks():
    network = TupleNetwork(4, "released", [rng()], [rng()])
    first, second = 16 * 25 + 16, 16 * 16 * 25 + 16
    dense = 784 * 50 + 50 + 50 * 100 + 100 + 100 + 1
    assert sum(map(torch.numel, network.score_network.parameters())) == first + second + dense
    assert sum(map(torch.numel, network.dense)) == 4 * 100 + 100 + 100 + 1


@pytest.mark.parametrize(("scale", "first", "second"), [("released", 28, 16), ("fan_in", 25, 400)])
def test_initial_scale_of_the_convolutions(scale, first, second):
    cut = 0.8796256610342398  # standard deviation of a normal cut at two of its standard deviations
    network = ScoreNetwork(scale, [rng(seed) for seed in range(20)])
    for name, fan_in in (("first", first), ("second", second)):
        weights = getattr(network, name)
        assert len(weights) == 20
        assert weights.std().item() == pytest.approx(cut * fan_in**-0.5, rel=0.03)
        assert weights.abs().max().item() <= 2 * fan_in**-0.5
    assert not network.first_bias.any()


def test_the_second_network_sees_sigmoids_of_the_scores_of_its_own_tuple():
    network = TupleNetwork(3, "released", [rng(1), rng(2)], [rng(3), rng(4)])
    lit = pixels(24).view(2, 12, -1)
    outputs, scores = network.outputs(lit)
    torch.testing.assert_close(scores.flatten(1), network.score_network.scores(lit))
    for seed in range(2):
        first, last = (layer[seed] for layer in network.dense)
        hidden = torch.relu(torch.sigmoid(scores[seed]) @ first[:-1] + first[-1])
        torch.testing.assert_close(outputs[seed], (hidden @ last[:-1] + last[-1])[:, 0])


def trained_by_torch(settings, seed):
    """Accuracies and loss at each evaluation, from torch's layers and optimiser and images drawn by hand."""
    network = initial_network(settings.tuple_length, [seed])
    parameters = [parameter.requires_grad_() for parameter in network.parameters()]
    adam = torch.optim.Adam(parameters, lr=1e-3, betas=(0.9, 0.99))
    rngs = [
        stream("tuples", purpose, tuple_length=settings.tuple_length, seed=seed)
        for purpose in ("train", "test")
    ]

    def outcomes(count, rng):
        lines = rng.random((count * settings.tuple_length, 4)) * [np.pi, 18, 28, 28] + [0, 5, 0, 0]
        pictures = np.stack([drawn_pixel_by_pixel(line, "released") for line in lines])
        scores = scores_by_torch_layers(network.score_network, torch.tensor(pictures).float(), 0)
        scores = scores.view(count, settings.tuple_length)
        first, last = (layer[0] for layer in network.dense)
        outputs = torch.relu(torch.sigmoid(scores) @ first[:-1] + first[-1]) @ last[:-1] + last[-1]
        return outputs[:, 0], scores, torch.tensor(np.sign(np.tan(lines[:, 0]))).float().view(scores.shape)

    found = []
    for step in range(settings.steps + 1):
        if step % settings.eval_every == 0:
            with torch.no_grad():
                outputs, scores, labels = outcomes(settings.eval_tuples, rngs[1])
            right = (outputs > 0) == (labels.prod(1) > 0)
            loss = torch.relu(1 - outputs * labels.prod(1)).mean()
            found.append([right.double().mean(), ((scores > 0) == (labels > 0)).double().mean(), loss])
        outputs, scores, labels = outcomes(settings.batch_size, rngs[0])
        loss = torch.relu(1 - outputs * labels.prod(1)).mean()
        if settings.approach == "decomposition":
            loss = loss + torch.relu(1 - scores * labels).mean()
        adam.param_groups[0]["eps"] = 1e-5 / (1 - 0.99 ** (step + 1)) ** 0.5
        adam.zero_grad()
        loss.backward()
        adam.step()
    return np.array(found).T


@pytest.mark.expects("tuples.experiment", "accuracy", "image_accuracy")
@pytest.mark.parametrize("approach", ["end_to_end", "decomposition"])
def test_a_run_is_that_of_the_layers_and_the_optimiser_of_torch(approach):
    of = settings(approach=approach, steps=40, eval_every=20, batch_size=20, eval_tuples=101)
    result = run(of, [3, 5])
    for seed in (3, 5):
        accuracy, image_accuracy, loss = trained_by_torch(of, seed)
        at = result.sel(seed=seed)
        np.testing.assert_allclose(at["accuracy"], accuracy, rtol=1e-12)
        np.testing.assert_allclose(at["image_accuracy"], image_accuracy, rtol=1e-12)
        np.testing.assert_allclose(at["loss"], loss, rtol=1e-4)


def test_hinge_and_agreement():
    outputs = torch.tensor([[2.0, 0.5, -1.0, 0.0], [2.0, -2.0, 2.0, -2.0]])
    labels = torch.tensor([[1.0, -1.0, -1.0, 1.0], [1.0, -1.0, 1.0, 1.0]])
    assert hinge(outputs, labels).tolist() == [(0 + 1.5 + 0 + 1) / 4, 3 / 4]
    assert agreement(outputs, labels).tolist() == [0.5, 0.75]


def test_approaches_share_initial_weights_and_tuples():
    learners = [TuplesLearner(settings(approach=name), [5]) for name in ("end_to_end", "decomposition")]
    for one, other in zip(*(learner.parameters for learner in learners), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    batches = [np.stack([learner._batch() for _ in range(3)]) for learner in learners]
    assert np.array_equal(*batches)
    assert not np.array_equal(batches[0][0], TuplesLearner(settings(), [6])._batch())


@pytest.mark.parametrize("training_set", ["fresh", "fixed"])
@pytest.mark.parametrize("approach", ["end_to_end", "decomposition"])
def test_runs_side_by_side_are_those_of_each_seed_alone(approach, training_set):
    of = settings(approach=approach, training_set=training_set)
    together = TuplesLearner(of, [4, 0, 7])
    alone = [TuplesLearner(of, [seed]) for seed in (4, 0, 7)]
    with torch.no_grad():
        together.parameters[2][1] = torch.nan
    for learner in (together, *alone):
        learner.advance(4)
    metrics = together.evaluate()
    assert metrics["loss"][1].isnan()
    for index in (0, 2):
        for name, value in alone[index].evaluate().items():
            torch.testing.assert_close(metrics[name][index], value[0], rtol=1e-5, atol=1e-6)
        for weights, own in zip(together.parameters, alone[index].parameters, strict=True):
            torch.testing.assert_close(weights[index], own[0], rtol=1e-4, atol=1e-6)


def test_a_fixed_training_set_is_drawn_from_again_and_again():
    learner = TuplesLearner(settings(training_set="fixed"), [0])
    known = lines_in([learner.fixed])
    assert len(known) == 50 * 2
    assert lines_in(learner._batch() for _ in range(40)) == known
    fresh = TuplesLearner(settings(), [0])
    assert len(lines_in(fresh._batch() for _ in range(40))) == 40 * 10 * 2


def lines_in(batches):
    """The different lines in arrays (seeds, n, k, 4)."""
    return {tuple(line) for batch in batches for line in batch.reshape(-1, 4).tolist()}


def test_a_run_keeps_the_data_contract_and_is_the_same_again_in_blocks_of_any_size(tmp_path):
    of = settings(approach="decomposition")
    together = run(of, [0, 1])
    dataset.write(together, tmp_path / "run.nc", {"title": "a run"})
    assert together["step"].values.tolist() == [0, 3, 6]
    assert set(VARIABLES) <= set(together)
    apart = xr.concat([run(of, [seed]) for seed in (0, 1)], dim="seed")
    xr.testing.assert_identical(together, apart)


def test_one_run_at_a_few_hundred_steps_learns_single_images():
    sizes = {"steps": 300, "eval_every": 300, "batch_size": 100, "eval_tuples": 1000}
    result = run(settings(approach="decomposition", tuple_length=1, **sizes), [0])
    assert result["accuracy"].values[0, -1] > 0.85
    assert result["image_accuracy"].values[0, -1] > 0.85


@pytest.mark.parametrize(
    "option", [{"rasterisation": "text"}, {"initial_scale": "fan_in"}, {"training_set": "fixed"}]
)
def test_options_change_what_is_trained(option):
    assert not run(settings(), [0])["loss"].equals(run(settings(**option), [0])["loss"])
