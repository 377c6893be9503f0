"""Flat activations against loops over the levels, formulas written out, and autograd."""

import bisect
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from conftest import ROOT
from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.config.paper import validated
from gradient_failures.problems.flat_activations import experiment
from gradient_failures.problems.flat_activations.experiment import (
    DIM,
    LEVELS,
    OBJECTIVES,
    VARIABLES,
    FlatActivationsLearner,
    NonFlatApproximation,
    Settings,
    accuracy,
    classes_of,
    draw_target,
    levels_at,
)
from gradient_failures.problems.flat_activations.figures.flat_activations import LEARNT
from gradient_failures.results import dataset
from gradient_failures.training.layers import dense_weights, over_seeds
from gradient_failures.training.networks import DenseNetwork
from gradient_failures.training.optimisers import Adam

ADAM = AdamConfig(learning_rate=0.01, beta1=0.9, beta2=0.99, epsilon=1e-5, epsilon_form="tensorflow")
HIDDEN = {"non_flat_approximation": [], "end_to_end": [9, 8, 7], "multiclass": [9, 8], "forward_only": []}
TINY = {
    approach: Settings(
        approach=approach, steps=30, eval_every=10, batch_size=6, hidden_widths=widths, optimiser=ADAM
    )
    for approach, widths in HIDDEN.items()
}
MULTIPLES_OF_FIVE = list(range(-100, 100, 5))
OTHERS = [-5, -4, -3, -2, -1, -0.2, 0, 0.1, 0.15, 0.175, 1, 2, 3, 4, 5]

each_approach = pytest.mark.parametrize("approach", HIDDEN)


def learner(approach, seed=0, **changes):
    return FlatActivationsLearner(TINY[approach].model_copy(update=changes), [seed])


def run(approach, seeds, **changes):
    return experiment.run(TINY[approach].model_copy(update=changes), seeds)


def paper_settings():
    """Settings of each approach in the paper's grid."""
    config = validated(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")))
    grids = {
        name: points for computation in config.computations for name, points in computation.points.items()
    }
    return {point.settings.approach: point.settings for point in grids["flat_activations"]}


def levels_of(*biases):
    """The levels in float64, for each of ``biases``."""
    return torch.from_numpy(np.add.outer(biases, LEVELS))


def single_levels(bias):
    """The levels in float32, of a target with that bias."""
    return levels_at(torch.tensor([bias]))


def smooth(r, levels):
    """ũ at one r, term by term."""
    value = levels[0]
    for below, level in pairwise(levels):
        gap = level - below
        argument = 50 / gap * (r - (level - gap / 20))
        value += gap / (1 + math.exp(-argument)) if argument > -700 else 0.0
    return value


def by_autograd(approach, scores, classes, levels):
    """The loss of ``approach`` for one seed, in a form that autograd differentiates as the method does."""
    labels = levels[classes]
    if approach == "multiclass":
        picked = scores - scores.logsumexp(1, keepdim=True)
        return -picked[torch.arange(len(classes)), classes].mean()
    score = scores[:, 0]
    if approach == "non_flat_approximation":
        gaps = levels.diff()
        rises = torch.sigmoid((score[:, None] - levels[1:] + gaps / 20) * 50 / gaps)
        return functional.mse_loss(levels[0] + (gaps * rises).sum(1), labels)
    if approach == "forward_only":
        stepped = torch.stack([levels[levels <= value][-1] for value in score.detach()])
        straight_through = score + (stepped - score).detach()
        return functional.mse_loss(straight_through, labels) / 2
    return functional.mse_loss(score, labels)


def answers(approach, scores, levels):
    """The label that ``approach`` answers with for each row of ``scores`` (n, n_scores) of one seed."""
    levels = levels.tolist()
    if approach == "multiclass":
        return [levels[max(range(52), key=row.__getitem__)] for row in scores.tolist()]
    of_score = {
        "non_flat_approximation": lambda score: smooth(score, levels),
        "end_to_end": lambda score: score,
        "forward_only": lambda score: levels[bisect.bisect_right(levels, score) - 1],
    }[approach]
    return [of_score(score) for (score,) in scores.tolist()]


def test_the_text_counts_55_levels_of_which_52_are_different():
    assert len(MULTIPLES_OF_FIVE) + len(OTHERS) == 55
    assert LEVELS.tolist() == sorted({*MULTIPLES_OF_FIVE, *OTHERS})
    assert len(LEVELS) == 52


@pytest.mark.parametrize("bias", [0.0, -2.5, 1.7])
def test_levels_stay_apart_in_single_precision(bias):
    levels = single_levels(bias)
    assert levels.dtype == torch.float32
    torch.testing.assert_close(levels.double(), levels_of(bias), rtol=1e-6, atol=1e-6)
    assert levels.diff().min() == pytest.approx(0.025, rel=1e-4)


@given(
    bias=st.floats(-3, 3),
    r=st.lists(st.floats(-110, 110) | st.sampled_from(LEVELS.tolist()), min_size=1, max_size=20),
)
def test_u_is_the_largest_level_at_or_below(bias, r):
    levels = levels_of(bias)[0].tolist()
    points = torch.tensor([r], dtype=torch.float64)
    for value, found in zip(r, classes_of(points, levels_of(bias))[0].tolist(), strict=True):
        below = [level for level in levels if level <= value]
        assert levels[found] == (max(below) if below else levels[0])


def test_u_has_the_levels_of_each_target():
    levels = levels_of(0.0, 1.3)
    points = torch.tensor([[0.05, 0.12], [0.05, 1.42]], dtype=torch.float64)
    found = levels.gather(1, classes_of(points, levels))
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.1], [-0.7, 1.4]]).double(), atol=1e-6, rtol=0)


def test_u_is_a_level_at_each_level_and_the_one_before_just_below():
    levels = single_levels(0.3)
    below = torch.nextafter(levels, torch.tensor(-torch.inf))
    assert classes_of(levels, levels).tolist() == [list(range(52))]
    assert classes_of(below, levels).tolist() == [[0, *range(51)]]


@given(bias=st.floats(-3, 3), r=st.floats(-110, 110))
def test_the_approximation_is_its_formula(bias, r):
    levels = levels_of(bias)
    found = NonFlatApproximation(levels).outputs(torch.tensor([[[r]]], dtype=torch.float64))
    assert found.item() == pytest.approx(smooth(r, levels[0].tolist()), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("bias", [0.0, -1.3])
def test_the_approximation_is_near_u_and_flat_between_levels(bias):
    levels = levels_of(bias)
    middles = ((levels[:, 1:] + levels[:, :-1]) / 2).unsqueeze(2)
    output, slope = (values[0, :, 0] for values in NonFlatApproximation(levels).output_and_slope(middles))
    torch.testing.assert_close(output, levels[0, :-1], rtol=0, atol=3e-3)
    around = levels[0].diff()[np.abs(LEVELS[:-1]) <= 1] > 0.5
    assert around.sum() == 3
    assert slope[np.abs(LEVELS[:-1]) <= 1][around].max() < 1e-7


@each_approach
def test_gradients_are_those_of_autograd(approach):
    """For two seeds with different levels."""
    rng = np.random.default_rng(3)
    levels = levels_of(0.2, -1.1)
    objective = OBJECTIVES[approach](levels)
    widths = [5, *HIDDEN[approach], objective.n_scores]
    layers = [layer.double() for layer in over_seeds(dense_weights(widths, rng) for _ in levels)]
    for layer in layers:
        layer += 0.1 * torch.from_numpy(rng.standard_normal(layer.shape))
    inputs = torch.from_numpy(rng.standard_normal((2, 40, 6)))
    inputs[:, :, -1] = 1
    spread = 0.1 * torch.from_numpy(rng.standard_normal((2, 40)))
    classes = classes_of(torch.tensor([[0.2], [-1.1]]) + spread, levels)

    network = DenseNetwork(layers, 40)
    scores = network.forward(inputs)
    network.backward(objective.error(scores, classes))
    leaves = [layer.clone().requires_grad_() for layer in layers]
    outputs = DenseNetwork(leaves, 40).outputs(inputs)
    losses = [by_autograd(approach, *one) for one in zip(outputs, classes, levels, strict=True)]
    gradients = torch.autograd.grad(sum(losses), leaves)

    torch.testing.assert_close(
        objective.loss(scores, classes), torch.stack(losses).detach(), rtol=1e-12, atol=0
    )
    for layer, gradient in zip(layers, gradients, strict=True):
        assert gradient.flatten(1).any(1).all()
        torch.testing.assert_close(layer.grad, gradient, rtol=1e-9, atol=1e-12)


def test_the_forward_only_update_is_its_formula_summed_over_samples():
    levels = single_levels(0.0)
    weights = torch.tensor([[3.0], [-2.0], [0.5]])
    inputs = torch.tensor([[0.1, 0.2, 1.0], [-0.3, 0.1, 1.0], [0.0, 0.24, 1.0]])
    labels = [0.1, -0.2, 0.0]
    classes = torch.tensor([LEVELS.tolist().index(label) for label in labels])
    expected = torch.zeros(3, 1)
    for x, label in zip(inputs, labels, strict=True):
        score = float(x @ weights)
        stepped = LEVELS[bisect.bisect_right(LEVELS.tolist(), score) - 1]
        expected += (stepped - label) * x[:, None] / 3
    network = DenseNetwork([weights[None]], 3)
    network.backward(OBJECTIVES["forward_only"](levels).error(network.forward(inputs[None]), classes[None]))
    assert expected.any()
    torch.testing.assert_close(network.layers[0].grad, expected[None])


@each_approach
def test_a_run_is_adam_on_the_gradient_of_fresh_batches(approach):
    """A score that rounding moves across a boundary gives another output, so one sample in 500 may differ."""
    trained, reference = learner(approach, batch_size=32), learner(approach, batch_size=32)
    trained.advance(3)
    leaves = [layer.clone().requires_grad_() for layer in reference.network.layers]
    adam = Adam(leaves, ADAM)
    for _ in range(3):
        inputs, pre_activations = reference.sampler.draw()
        classes = classes_of(pre_activations, reference.levels)
        (scores,) = DenseNetwork(leaves, 32).outputs(inputs)
        loss = by_autograd(approach, scores, classes[0], reference.levels[0])
        for leaf, gradient in zip(leaves, torch.autograd.grad(loss, leaves), strict=True):
            leaf.grad = gradient
        adam.step()
    for layer, leaf in zip(trained.network.layers, leaves, strict=True):
        torch.testing.assert_close(layer, leaf.detach(), rtol=0, atol=2e-5)
    found = run(approach, [0], batch_size=32, steps=3, eval_every=3)
    (scores,) = DenseNetwork(leaves, 32).outputs(reference.inputs)
    expected = answers(approach, scores.detach(), reference.levels[0])
    assert np.isclose(found["output"].isel(seed=0), expected, rtol=0, atol=2e-3).mean() > 0.998


@pytest.mark.parametrize(
    ("approach", "parameters"),
    [
        ("non_flat_approximation", 101),
        ("end_to_end", 101 * 100 * 3 + 101),
        ("multiclass", 101 * 100 * 2 + 101 * 52),
        ("forward_only", 101),
    ],
)
def test_networks_have_the_sizes_of_the_paper(approach, parameters):
    network = FlatActivationsLearner(paper_settings()[approach], [0]).network
    layers = [layer[0] for layer in network.layers]
    assert sum(layer.numel() for layer in layers) == parameters
    for layer in layers:
        assert not layer[-1].any()
        assert layer[:-1].abs().max() <= 2.000001 / (len(layer) - 1) ** 0.5


def test_the_settings_are_those_that_drew_the_published_figure():
    steps = {approach: settings.steps for approach, settings in paper_settings().items()}
    assert steps == {
        "non_flat_approximation": 10_000,
        "end_to_end": 10_000,
        "multiclass": 10_000,
        "forward_only": 5_000,
    }
    for approach, settings in paper_settings().items():
        rate = 0.01 if approach == "non_flat_approximation" else 0.001
        constants = {"learning_rate": rate, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-5}
        assert settings.batch_size == 256
        assert settings.optimiser == AdamConfig(**constants, epsilon_form="tensorflow")


def test_the_figure_and_the_claim_have_one_level_between_the_best_constant_and_the_approximation():
    groups = yaml.safe_load((Path(experiment.__file__).parent / "claims.yaml").read_text(encoding="utf-8"))
    claims = {claim["id"]: claim for group in groups for claim in group["claims"]}
    assert claims["flat-activations-approximation-fails"]["estimator"]["level"] == LEARNT
    for seed in range(8):
        one = learner("non_flat_approximation", seed, batch_size=2560)
        labels = one.levels.gather(1, one.classes)
        at_truth = NonFlatApproximation(one.levels).outputs(one.pre_activations.unsqueeze(2))
        error = {
            name: accuracy(outputs, one.pre_activations, one.levels)["normalised_rms_error"].item()
            for name, outputs in {"truth": at_truth, "constant": labels.mean().expand(1, 2560)}.items()
        }
        assert error["truth"] < 0.09 < LEARNT < 0.12 < error["constant"]


def test_inputs_are_normal_of_deviation_one_over_d():
    first, second = (learner("forward_only", batch_size=5000).sampler for _ in range(2))
    inputs, pre_activations = (drawn[0] for drawn in first.draw())
    assert inputs.shape == (5000, DIM + 1)
    assert (inputs[:, -1] == 1).all()
    assert (inputs[:, :-1].mean(0).abs() < 5 / DIM / 5000**0.5).all()
    assert inputs[:, :-1].std().item() * DIM == pytest.approx(1, abs=0.01)
    assert ((inputs[:, :-1].abs() * DIM < 1).double().mean()) == pytest.approx(0.6827, abs=0.004)
    torch.testing.assert_close(
        pre_activations.double(), inputs.double() @ first.targets[0, :, 0].double(), rtol=0, atol=1e-6
    )
    batches = [second.draw()[0][0].clone() for _ in range(2)]
    assert torch.equal(batches[0], inputs)
    assert not torch.equal(batches[0][:, :-1], batches[1][:, :-1])


def test_the_target_is_standard_normal():
    targets = torch.stack([draw_target(np.random.default_rng(seed)) for seed in range(200)])
    assert targets.shape == (200, DIM + 1)
    assert targets.mean().item() == pytest.approx(0, abs=5 / targets.numel() ** 0.5)
    assert targets.std().item() == pytest.approx(1, abs=0.02)
    assert targets[:, -1].std().item() == pytest.approx(1, abs=0.25)


def test_pre_activations_spread_by_a_tenth_so_that_few_levels_are_met():
    found = run("forward_only", range(4))
    for seed in range(4):
        one = found.sel(seed=seed)
        deviation = one["pre_activation"].std().item()
        assert deviation == pytest.approx(
            float(learner("forward_only", seed).targets[0, :-1].norm()) / DIM, rel=0.06
        )
        assert deviation == pytest.approx(0.1, rel=0.25)
        met = set(np.round(np.unique(one["label"]).astype(float) - one["target_bias"].item(), 5).tolist())
        assert {-0.2, 0, 0.1, 0.15, 0.175} <= met <= {-1, -0.2, 0, 0.1, 0.15, 0.175}


def test_a_fixed_bias_replaces_the_drawn_one_and_leaves_the_rest_of_the_target():
    drawn, fixed = run("multiclass", [0, 1]), run("multiclass", [0, 1], fixed_target_bias=0.5)
    assert fixed["target_bias"].values.tolist() == [0.5, 0.5]
    centred = [found["pre_activation"] - found["target_bias"] for found in (drawn, fixed)]
    np.testing.assert_allclose(*centred, rtol=0, atol=1e-6)
    levels = single_levels(0.5)[0].tolist()
    r = fixed["pre_activation"].values.ravel().tolist()
    assert fixed["label"].values.ravel().tolist() == [levels[bisect.bisect_right(levels, x) - 1] for x in r]
    again = run("multiclass", [0], fixed_target_bias=drawn["target_bias"].values[0].item())
    xr.testing.assert_identical(again, drawn.sel(seed=[0]))


@each_approach
def test_every_run_keeps_the_levels_and_the_approximation_at_the_true_parameters(approach):
    found = run(approach, [0, 2])
    assert found["level"].values.tolist() == LEVELS.tolist()
    for seed in (0, 2):
        one = found.sel(seed=seed).isel(sample=slice(None, None, 50))
        levels = single_levels(one["target_bias"].item())[0].tolist()
        expected = [smooth(r, levels) for r in one["pre_activation"].values.tolist()]
        np.testing.assert_allclose(one["approximation"], expected, rtol=0, atol=2e-4)


@each_approach
def test_held_out_samples_are_sorted_and_labelled_by_u(approach):
    one = run(approach, [3]).isel(seed=0)
    r = one["pre_activation"].values
    assert len(r) == 2560
    assert (np.diff(r) >= 0).all()
    levels = single_levels(one["target_bias"].item())[0].tolist()
    assert one["label"].values.tolist() == [levels[bisect.bisect_right(levels, value) - 1] for value in r]


@pytest.mark.expects(
    "flat_activations.experiment", "normalised_rms_error", "share_within_1_percent", "mistakes_near_a_level"
)
@each_approach
def test_the_recorded_errors_are_those_of_the_recorded_outputs(approach):
    found = run(approach, [1, 2])
    for seed in (1, 2):
        one = found.sel(seed=seed)
        final = one.isel(step=-1)
        r, label, output, bias = (
            one[name].values.astype(float) for name in ("pre_activation", "label", "output", "target_bias")
        )
        deviation = (output - label) / (label.max() - label.min())
        mistakes = abs(deviation) > 0.01
        distance = np.array([min(abs(value - bias - LEVELS)) for value in r])
        near = distance <= np.sort(distance)[255]
        assert final["normalised_rms_error"].item() == pytest.approx(np.sqrt(np.mean(deviation**2)), rel=1e-6)
        assert final["share_within_1_percent"].item() == pytest.approx(np.mean(~mistakes), abs=1e-12)
        share = np.sum(mistakes & near) / max(np.sum(mistakes), 1)
        assert final["mistakes_near_a_level"].item() == pytest.approx(share, abs=1 / np.sum(mistakes))


def test_methods_share_target_and_samples_and_the_first_weights():
    found = {approach: run(approach, [0, 1]) for approach in HIDDEN}
    runs = {approach: learner(approach) for approach in HIDDEN}
    first = runs["forward_only"]
    batch, _ = first.sampler.draw()
    for approach in HIDDEN:
        for name in ("pre_activation", "label", "target_bias"):
            assert found[approach][name].identical(found["forward_only"][name])
        assert torch.equal(runs[approach].targets, first.targets)
        if approach != "forward_only":
            assert torch.equal(runs[approach].sampler.draw()[0], batch)
        drawn = runs[approach].network.layers[0][:, :-1].flatten()[:DIM]
        torch.testing.assert_close(drawn, first.network.layers[0][:, :-1].flatten())


def test_held_out_samples_are_none_of_training():
    one = learner("forward_only", batch_size=2560)
    training, _ = one.sampler.draw()
    assert not set(training[0, :, 0].tolist()) & set(one.inputs[0, :, 0].tolist())


@each_approach
def test_runs_side_by_side_are_those_of_each_seed_alone(approach):
    together = FlatActivationsLearner(TINY[approach], [4, 0, 7])
    alone = [learner(approach, seed) for seed in (4, 0, 7)]
    together.network.layers[0][1] = torch.nan
    for one in (together, *alone):
        one.advance(10)
    metrics = together.evaluate()
    assert metrics["loss"][1].isnan()
    for index in (0, 2):
        for name, value in alone[index].evaluate().items():
            torch.testing.assert_close(metrics[name][index], value[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(together.pre_activations[index], alone[index].pre_activations[0])
        for layers, (own,) in zip(together.network.layers, alone[index].network.layers, strict=True):
            torch.testing.assert_close(layers[index], own, rtol=1e-4, atol=1e-6)


@each_approach
def test_a_second_run_is_bit_identical_whatever_the_block(approach):
    block, alone = run(approach, [0, 1, 2]), run(approach, [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)


@each_approach
def test_a_run_does_not_depend_on_how_often_it_is_evaluated(approach):
    often, seldom = run(approach, [0], eval_every=3), run(approach, [0], eval_every=30)
    assert often["output"].identical(seldom["output"])
    xr.testing.assert_identical(often.sel(step=seldom["step"]), seldom)


@each_approach
def test_runs_keep_the_data_contract(approach, tmp_path):
    dataset.write(run(approach, [0, 1]), tmp_path / "run.nc", {})
    found = dataset.read(tmp_path / "run.nc", {name: ("seed", "step") for name in VARIABLES})
    assert found["output"].dims == ("seed", "sample")
    assert found["diverged_at_step"].isnull().all()


@each_approach
def test_a_diverged_run_is_flagged(approach):
    absurd = ADAM.model_copy(update={"learning_rate": 1e38})
    found = run(approach, [0], optimiser=absurd)
    assert found["diverged_at_step"].item() == 10


@pytest.mark.expects("flat_activations.experiment", "training_cost")
@pytest.mark.parametrize(
    ("approach", "forward", "back_through"),
    [
        ("forward_only", (DIM + 1) * 1, 0),
        ("end_to_end", (DIM + 1) * 9 + 10 * 8 + 9 * 7 + 8 * 1, 9 * 8 + 8 * 7 + 7 * 1),
    ],
)
def test_training_cost_counts_the_products_of_a_step(approach, forward, back_through):
    """Forward pass and gradient of the weights, with biases, and the error below each layer but the first."""
    cost = run(approach, [0])["training_cost"]
    assert cost.values.tolist() == [[step * 6 * (2 * forward + back_through) for step in (0, 10, 20, 30)]]


def test_accuracy_of_perfect_and_of_shifted_outputs():
    levels = single_levels(0.0)
    r = torch.linspace(-0.3, 0.3, 1001)[None]
    labels = levels.gather(1, classes_of(r, levels))
    assert accuracy(labels, r, levels) == {
        "normalised_rms_error": 0,
        "share_within_1_percent": 1,
        "mistakes_near_a_level": 0,
    }
    label_range = 1.175
    shifted = accuracy(labels + 0.5 * label_range, r, levels)
    assert shifted["normalised_rms_error"] == pytest.approx(0.5)
    assert shifted["share_within_1_percent"] == 0
    assert shifted["mistakes_near_a_level"] == pytest.approx(0.1, abs=0.01)
    slightly = accuracy(labels + 0.0099 * label_range, r, levels)
    assert slightly["share_within_1_percent"] == 1


def test_mistakes_at_the_boundaries_are_told_from_mistakes_elsewhere():
    levels = single_levels(0.0)
    r = torch.linspace(-0.3, 0.3, 1001)[None]
    labels = levels.gather(1, classes_of(r, levels))
    moved = levels.gather(1, classes_of(r + 0.002, levels))
    assert accuracy(moved, r, levels)["mistakes_near_a_level"] == 1
    far = torch.where((r + 0.25).abs() < 0.01, labels + 1, labels)
    assert accuracy(far, r, levels)["mistakes_near_a_level"] == 0


def test_equal_labels_have_the_range_one():
    r = torch.linspace(0.01, 0.09, 10)[None]
    found = accuracy(torch.full((1, 10), 0.25), r, single_levels(0.0))
    assert found["normalised_rms_error"].item() == pytest.approx(0.25)


def test_errors_are_relative_to_the_labels_of_their_own_seed():
    """The labels of the first seed are 0 or 0.1, those of the second 0 or 1."""
    levels = levels_of(0.0, 0.0)
    r = torch.tensor([[0.05, 0.12], [0.05, 1.2]], dtype=torch.float64)
    outputs = torch.tensor([[0.05, 0.1], [0.05, 1.0]], dtype=torch.float64)
    errors = accuracy(outputs, r, levels)["normalised_rms_error"] * 2**0.5
    torch.testing.assert_close(errors, torch.tensor([0.5, 0.05]).double())


def test_forward_only_learns_where_the_approximation_stands_still():
    levels = levels_of(-1.5)
    start = torch.full((1, 8, 1), -1.5 - 0.6).double()
    classes = torch.full((1, 8), LEVELS.tolist().index(0))
    flat = NonFlatApproximation(levels).error(start, classes)
    update = OBJECTIVES["forward_only"](levels).error(start, classes)
    assert flat.abs().max() < 1e-6
    assert (update < -0.01).all()
    quick = {"batch_size": 256, "steps": 600, "eval_every": 600}
    error = run("forward_only", [0, 1], **quick)["normalised_rms_error"]
    assert (error.isel(step=-1) < 0.1).all()
    assert (error.isel(step=-1) < error.isel(step=0)).all()
