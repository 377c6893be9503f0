"""The experiment on curves against its formulas, autograd and closed forms."""

from itertools import pairwise, product
from typing import get_args

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig
from gradient_failures.problems.curves.experiment import (
    HIDDEN_WIDTHS,
    KINKS,
    Autoencoder,
    CurvesLearner,
    Settings,
    curves_of,
    draw_curves,
    draw_kinks,
    inverse_root,
    kinks_of,
    model_of,
    run,
    second_moment,
    windows,
)
from gradient_failures.problems.curves.settings import Approach
from gradient_failures.results import dataset
from gradient_failures.results.combine import combine
from gradient_failures.training.layers import dense_weights
from gradient_failures.training.networks import DenseNetwork
from gradient_failures.training.seeds import stream

APPROACHES = get_args(Approach)
ADAM = AdamConfig(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_form="tensorflow")
ADAGRAD = AdagradConfig(kind="adagrad", learning_rate=0.01, epsilon=1e-10)
each_approach = pytest.mark.parametrize("approach", APPROACHES)
each_distribution = pytest.mark.parametrize("distribution", ["figure", "text"])


def sgd(learning_rate):
    return SGDConfig(kind="sgd", learning_rate=learning_rate)


def settings(approach, **changes):
    small = {
        "n_points": 20,
        "steps": 30,
        "eval_every": 10,
        "snapshots": [10, 30],
        "training_curves": 50,
        "heldout_curves": 21,
        "batch_size": 8,
        "optimiser": ADAM,
    }
    return Settings(approach=approach, **{**small, **changes})


def decoder(n):
    """W_ij = [i - j + 1]₊."""
    i, j = np.indices((n, n))
    return np.maximum(i - j + 1, 0).astype(float)


def kinks(distribution="figure", n=40, count=200):
    return draw_kinks(distribution, n, count, np.random.default_rng(0))


def training_sets(n=20, count=30):
    """Curves of two seeds (2, count, n), in float64."""
    return curves_of(kinks(n=n, count=2 * count)).view(2, count, n)


def model(approach, batch_size=5):
    """The untrained models of two seeds."""
    return model_of(approach, training_sets(), batch_size, [0, 1])


def random_model(approach):
    """The models of two seeds with large random weights, in float64."""
    made, rng = model(approach), np.random.default_rng(1)
    for parameter in made.parameters:
        parameter.data = torch.from_numpy(rng.standard_normal(parameter.shape))
    if approach == "autoencoder":
        made.network = DenseNetwork(made.parameters, batch_size=5)
    return made


@given(n=st.integers(1, 60))
def test_curves_are_w_times_their_slope_changes(n):
    p = np.random.default_rng(n).standard_normal((5, n))
    np.testing.assert_allclose(curves_of(torch.from_numpy(p)).numpy(), p @ decoder(n).T, rtol=0, atol=1e-10)


@given(n=st.integers(1, 60))
def test_the_inverse_of_w_is_exactly_the_second_difference(n):
    inverse = kinks_of(torch.eye(n, dtype=torch.float64)).numpy().T
    np.testing.assert_array_equal(decoder(n) @ inverse, np.eye(n))
    np.testing.assert_array_equal(inverse, np.eye(n) - 2 * np.eye(n, k=-1) + np.eye(n, k=-2))


@each_distribution
def test_a_curve_is_the_sum_of_its_kinks(distribution):
    p = kinks(distribution).numpy()
    x = np.arange(p.shape[1])
    for slope_changes, curve in zip(p, curves_of(torch.from_numpy(p)).numpy(), strict=True):
        (points,) = slope_changes.nonzero()
        terms = [slope_changes[point] * np.maximum(x - (point - 1), 0) for point in points]
        np.testing.assert_allclose(curve, sum(terms), rtol=0, atol=1e-12)


@each_distribution
def test_slope_changes_come_back_from_the_curve_exactly_in_float32(distribution):
    p = kinks(distribution, n=100)
    tolerance = 0 if distribution == "figure" else 1e-4
    torch.testing.assert_close(kinks_of(curves_of(p).float()).double(), p, rtol=0, atol=tolerance)


def test_curves_of_the_figure_have_three_inner_kinks_and_one_of_four_slope_sequences():
    p = kinks(n=20, count=5000).numpy()
    points = [np.flatnonzero(row) for row in p]
    assert {len(row) for row in points} == {3}
    assert set(np.concatenate(points)) == set(range(3, 17))
    slopes = [tuple(np.cumsum(row)[at]) for row, at in zip(p, points, strict=True)]
    shares = {sequence: slopes.count(sequence) / len(slopes) for sequence in set(slopes)}
    assert set(shares) == {(1, -1, 1), (1, -2, 1), (-2, 1, -1), (1, -1, 2)}
    assert all(abs(share - 1 / 4) < 0.03 for share in shares.values())


def test_curves_of_the_text_have_three_kinks_anywhere_and_uniform_slope_changes():
    p = kinks("text", n=20, count=5000).numpy()
    assert (np.count_nonzero(p, axis=1) == 3).all()
    at_point = np.count_nonzero(p, axis=0) / len(p)
    np.testing.assert_allclose(at_point, 3 / 20, atol=0.03)
    changes = p[p != 0]
    assert np.abs(changes).max() < 1
    np.testing.assert_allclose(np.quantile(changes, [0.25, 0.5, 0.75]), [-0.5, 0, 0.5], atol=0.03)


def test_every_set_of_kinks_is_equally_likely():
    p = kinks("text", n=9, count=84 * 200).numpy()
    _, counts = np.unique(p != 0, axis=0, return_counts=True)
    assert len(counts) == 84
    assert ((counts - 200) ** 2 / 200).sum() < 140  # χ² with 83 degrees of freedom: p < 1e-4 above


@each_approach
def test_gradients_equal_autograd(approach):
    trained = random_model(approach)
    batch = torch.tensor([[3, 3, 0, 29, 7], [1, 28, 4, 4, 0]])
    trained.set_gradients((batch + torch.tensor([[0], [30]])).flatten())
    gradients = [parameter.grad.clone() for parameter in trained.parameters]

    parameters = [parameter.detach().requires_grad_() for parameter in trained.parameters]
    loss = sum(reference_losses(approach, parameters, batch))
    for gradient, expected in zip(gradients, torch.autograd.grad(loss, parameters), strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


def reference_losses(approach, parameters, batch):
    """The loss of each seed on a batch (seeds, batch) of its training set."""
    return [
        reference_loss(
            approach, [layer[seed] for layer in parameters], sample[rows], second_moment(windows(sample))
        )
        for seed, (sample, rows) in enumerate(zip(training_sets(), batch, strict=True))
    ]


def reference_loss(approach, parameters, sample, moment):
    """The loss of an approach on a batch of curves, from its definition."""
    outputs = reference_outputs(approach, parameters, sample, moment)
    if approach == "autoencoder":
        return (outputs - sample).square().mean()
    squares = (outputs - sample @ encoder(sample.shape[1])).square()
    return squares.sum(1).mean() if approach == "linear" else squares.mean()


def reference_outputs(approach, parameters, sample, moment):
    """The slope changes that an approach predicts, or the curves that the autoencoder reconstructs."""
    if approach == "autoencoder":
        outputs = sample
        for layer in parameters[:-1]:
            outputs = torch.relu(outputs @ layer[:-1] + layer[-1])
        return outputs @ parameters[-1][:-1] + parameters[-1][-1]
    (weights,) = parameters
    if approach == "linear":
        return sample @ weights
    shifted = [torch.nn.functional.pad(sample, (lag, 0))[:, : sample.shape[1]] for lag in (2, 1, 0)]
    features = torch.stack(shifted, 2)
    if approach == "preconditioned":
        values, vectors = np.linalg.eigh(moment.numpy())
        features = features @ torch.from_numpy(vectors / np.sqrt(values) @ vectors.T)
    return (features @ weights).squeeze(2)


def encoder(n):
    """(W⁻¹)ᵀ, which takes curves in rows to their slope changes."""
    return torch.linalg.inv(torch.from_numpy(decoder(n))).t()


@pytest.mark.expects("curves.experiment", "decode_error", "kink_error")
@pytest.mark.parametrize(
    ("approach", "rate"),
    [("linear", 1e-4), ("convolutional", 2e-3), ("preconditioned", 0.02), ("autoencoder", 0.02)],
)
def test_metrics_of_a_run_by_autograd_from_the_definitions(approach, rate):
    result = run(settings(approach, optimiser=sgd(rate)), [3]).sel(seed=3)
    names = {"n_points": 20, "seed": 3}
    sample, heldout = (
        curves_of(
            draw_kinks("figure", 20, count, stream("curves", purpose, curve_distribution="figure", **names))
        )
        for purpose, count in [("train", 50), ("heldout", 21)]
    )
    inputs = {"linear": (20, 20), "convolutional": (3, 1), "preconditioned": (3, 1)}
    if approach == "autoencoder":
        parameters = dense_weights([20, *HIDDEN_WIDTHS, 20], stream("curves", "weights", **names))
    else:
        parameters = [torch.zeros(inputs[approach])]
    parameters = [parameter.double().requires_grad_() for parameter in parameters]
    batches, moment = stream("curves", "batches", **names), second_moment(windows(sample))
    for step in (0, 10, 20, 30):
        with torch.no_grad():
            decoded = reference_outputs(approach, parameters, heldout, moment)
            if approach != "autoencoder":
                decoded = decoded @ torch.from_numpy(decoder(20)).t()
            error = (decoded - heldout).numpy()
            loss = reference_loss(approach, parameters, heldout, moment).item()
        relative = np.sqrt(np.square(error).mean(1)) / np.ptp(heldout.numpy(), axis=1)
        kinks = np.linalg.norm(error @ encoder(20).numpy()) / np.linalg.norm(heldout @ encoder(20))
        expected = {"loss": loss, "decode_error": np.median(relative), "kink_error": kinks}
        for name, value in expected.items():
            assert result[name].sel(step=step).item() == pytest.approx(value, rel=1e-4)
        for rows in batches.integers(0, 50, (10, 8)):
            gradients = torch.autograd.grad(
                reference_loss(approach, parameters, sample[rows], moment), parameters
            )
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= rate * gradient
    assert result["kink_error"][-1] != pytest.approx(result["kink_error"][0].item(), rel=0.01)


@pytest.mark.parametrize("approach", [approach for approach in APPROACHES if approach != "autoencoder"])
def test_the_exact_encoder_has_no_loss_and_no_gradient(approach):
    sample = training_sets()
    filter_ = torch.tensor([[1.0], [-2.0], [1.0]], dtype=torch.float64)
    trained = model(approach, batch_size=30)
    if approach == "linear":
        trained.weights.copy_(encoder(20))
    elif approach == "convolutional":
        trained.weights.copy_(filter_)
    else:
        roots = torch.stack([inverse_root(second_moment(windows(one))) for one in sample])
        trained.weights.copy_(torch.linalg.inv(roots) @ filter_)
    trained.set_gradients(torch.arange(2 * 30))
    assert trained.weights.grad.abs().max() < 1e-9
    error = trained.decode(sample) - sample
    assert error.abs().max() < 1e-9
    assert (trained.loss(error) < 1e-20).all()


@each_approach
def test_the_loss_of_an_error_is_the_loss_that_is_minimised(approach):
    trained, sample = random_model(approach), training_sets()
    expected = torch.stack(reference_losses(approach, trained.parameters, torch.arange(30).expand(2, -1)))
    losses = trained.loss(trained.decode(sample) - sample)
    torch.testing.assert_close(losses, expected, rtol=1e-9, atol=0)


@each_distribution
def test_preconditioning_makes_the_condition_number_one(distribution):
    sample = curves_of(kinks(distribution, n=100, count=1000))
    before = windows(sample)
    after = before @ inverse_root(second_moment(before))
    assert torch.linalg.cond(second_moment(before)) > 1e4
    assert torch.linalg.cond(second_moment(after)).item() == pytest.approx(1, abs=1e-6)


def test_the_preconditioned_inputs_are_white_in_float32():
    sample = torch.stack([draw_curves("figure", 100, 1000, "train", seed=seed) for seed in (0, 1)])
    whitened = model_of("preconditioned", sample, 1, [0, 1])
    assert whitened.samples.dtype == torch.float32
    for inputs in inputs_of(whitened).split(1000):
        torch.testing.assert_close(
            second_moment(inputs), torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-4
        )


def test_the_autoencoder_has_the_layers_of_the_paper():
    autoencoder = Autoencoder(torch.zeros(1, 1, 100), 1, [np.random.default_rng(0)])
    widths = [100, 500, 100, 6, 100, 100, 100]
    assert [tuple(layer.shape) for layer in autoencoder.parameters] == [
        (1, fan_in + 1, fan_out) for fan_in, fan_out in pairwise(widths)
    ]
    assert sum(layer.numel() for layer in autoencoder.parameters) == 122_106


def learner(approach, seed=0):
    return CurvesLearner(settings(approach), [seed])


def inputs_of(encoder):
    """What the map sees of the training sets (seeds · count, rows, inputs)."""
    return encoder.samples[..., : encoder.weights.shape[1]]


def training_set(autoencoder):
    """The curves of an autoencoder's seeds, one after another."""
    return autoencoder.model.samples[:, :-1]


def test_approaches_share_curves_and_batches():
    linear, convolutional, _, autoencoder = learners = [learner(approach) for approach in APPROACHES]
    for each in learners[1:]:
        assert torch.equal(each.heldout, linear.heldout)
        assert torch.equal(each.examples, linear.examples)
    assert torch.equal(inputs_of(linear.model).squeeze(1), training_set(autoencoder))
    assert torch.equal(inputs_of(convolutional.model)[..., 2], training_set(autoencoder))
    draws = [each.batch_streams[0].integers(0, 50, 100).tolist() for each in (linear, autoencoder)]
    assert draws[0] == draws[1]


def test_seeds_share_nothing_but_the_examples():
    first, second = (learner("autoencoder", seed) for seed in (0, 1))
    assert torch.equal(first.examples, second.examples)
    assert not torch.equal(first.heldout, second.heldout)
    assert not torch.equal(training_set(first), training_set(second))
    assert not torch.equal(first.model.parameters[0], second.model.parameters[0])


def test_heldout_curves_are_not_those_of_the_training_set():
    each = CurvesLearner(settings("autoencoder", n_points=100), [0])
    assert torch.cdist(each.heldout, training_set(each)).min() > 0


@each_approach
def test_a_run_is_the_same_whatever_the_block_and_again(approach):
    small = settings(approach)
    block, alone = run(small, [0, 1]), run(small, [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)
    xr.testing.assert_identical(run(small, [1]), alone)


def assert_same(ensemble, index, alone):
    """One seed of an ensemble is where it is alone, but for the order of sums in products of matrices."""
    for ours, theirs in zip(ensemble.model.parameters, alone.model.parameters, strict=True):
        torch.testing.assert_close(ours[index], theirs[0], rtol=0, atol=1e-6)
    xr.testing.assert_allclose(ensemble.results().isel(seed=[index]), alone.results(), rtol=1e-5, atol=1e-5)
    metrics = {name: values[[index]] for name, values in ensemble.evaluate().items()}
    torch.testing.assert_close(metrics, alone.evaluate(), rtol=2e-6, atol=0)


@pytest.mark.parametrize(
    ("approach", "optimiser"),
    [
        ("linear", ADAM),
        ("linear", sgd(1e-3)),
        ("linear", ADAGRAD),
        ("convolutional", ADAM),
        ("preconditioned", ADAM),
        ("preconditioned", sgd(1e-3)),
        ("autoencoder", sgd(1e-3)),  # Adam's steps would be as large where a gradient is nothing but rounding
    ],
)
def test_an_ensemble_does_what_its_seeds_do_alone_even_where_one_diverges(approach, optimiser):
    small, seeds = settings(approach, optimiser=optimiser), [4, 0, 7]
    ensemble, learners = CurvesLearner(small, seeds), [CurvesLearner(small, [seed]) for seed in seeds]
    for each in (ensemble, *learners):
        each.advance(10)
    for index, alone in enumerate(learners):
        assert_same(ensemble, index, alone)
    for parameter in ensemble.model.parameters:
        parameter[1] = torch.nan
    for each in (ensemble, *learners):
        each.advance(20)
    assert_same(ensemble, 0, learners[0])
    assert_same(ensemble, 2, learners[2])
    assert all(values[1].isnan() for values in ensemble.evaluate().values())


def test_a_run_is_the_same_however_often_it_is_evaluated():
    often = run(settings("linear", eval_every=5), [0])
    xr.testing.assert_identical(often.sel(step=[0, 10, 20, 30]), run(settings("linear"), [0]))


def test_snapshots_are_the_decoded_examples_at_their_steps():
    result = run(settings("convolutional"), [3]).sel(seed=3)
    learner = CurvesLearner(settings("convolutional"), [3])
    learner.advance(30)
    at_end = result["decoded_example"].sel(snapshot=30)
    np.testing.assert_array_equal(at_end, learner.model.decode(learner.examples[None])[0].float())
    assert at_end.dims == ("example", "x")
    assert (result["decoded_example"].sel(snapshot=10) != at_end).any()
    np.testing.assert_array_equal(result["example_curve"], learner.examples)
    assert result["last_x"] == result["x"][-1]


def test_training_brings_the_preconditioned_filter_to_the_solution():
    longer = settings("preconditioned", n_points=50, steps=200, snapshots=[200], optimiser=sgd(0.5))
    assert run(longer, [0])["kink_error"].isel(step=-1) < 1e-5


def test_a_diverged_run_keeps_the_data_contract(tmp_path):
    result = run(settings("linear", steps=100, snapshots=[10, 100], optimiser=sgd(1e10)), [0])
    assert result["diverged_at_step"].notnull().all()
    assert result["decoded_example"].sel(snapshot=100).isnull().all()
    dataset.write(result, tmp_path / "run.nc", {"title": "a run that diverged"})


def test_runs_of_different_lengths_and_sizes_combine_within_the_contract(tmp_path):
    lengths = {"linear": {}, "convolutional": {"steps": 10, "snapshots": [10]}}
    axes = {"approach": ["linear", "convolutional"], "n_points": [20, 30]}
    runs, points = {}, {}
    for approach, n_points in product(*axes.values()):
        at = settings(approach, n_points=n_points, **lengths[approach])
        name = f"{approach}-{n_points}"
        points[name] = at.model_dump()
        attributes = {
            "code_hash": "c",
            "lock_hash": "l",
            "device": "cpu",
            "git_commit": "a",
            "git_dirty": 0,
            "wall_seconds": 1.0,
            "config": yaml.safe_dump({"settings": points[name]}),
        }
        result = dataset.located(run(at, [0, 1]), at).assign_attrs(attributes)
        runs[f"runs/{name}/seeds~0-1.nc"] = result
    combined = combine(runs, axes, points, 2)
    decoded = combined["decoded_example"]
    assert dict(decoded.sizes) == {
        "approach": 2, "n_points": 2, "seed": 2, "snapshot": 2, "example": 2, "x": 30,
    }  # fmt: skip
    assert decoded.sel(approach="convolutional", snapshot=30).isnull().all()
    assert decoded.sel(approach="linear", n_points=30).notnull().all()
    dataset.write(combined, tmp_path / "curves.nc", {"title": "all runs", **combined.attrs})
    broken = combined.assign(decoded_example=decoded.where(decoded["x"] != 5))
    with pytest.raises(ValueError, match="decoded_example"):
        dataset.write(broken, tmp_path / "broken.nc", {"title": "a hole"})


@pytest.mark.parametrize("snapshot", [5, 40])
def test_a_snapshot_must_be_an_evaluation(snapshot):
    message = f"snapshot {snapshot} is no evaluation; allowed: multiples of 10"
    with pytest.raises(ValidationError, match=message):
        settings("linear", snapshots=[snapshot])


@each_distribution
def test_the_shortest_curves_have_room_for_their_kinks(distribution):
    drawn = draw_kinks(distribution, 10, 50, np.random.default_rng(0))
    assert ((drawn != 0).sum(1) == KINKS).all()
    with pytest.raises(ValidationError, match="n_points"):
        settings("linear", n_points=9, curve_distribution=distribution)
