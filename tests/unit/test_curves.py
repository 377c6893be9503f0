"""The experiment on curves against its formulas, autograd and closed forms."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gradient_failures import dataset
from gradient_failures.combine import combine
from gradient_failures.config.curves import CurvesPoint, CurvesTraining, Method
from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig
from gradient_failures.experiments import curves
from gradient_failures.experiments.curves import (
    KINKS,
    Autoencoder,
    CurvesLearner,
    curves_of,
    draw_curves,
    draw_kinks,
    inverse_root,
    kinks_of,
    model_of,
    second_moment,
    train,
    windows,
)
from gradient_failures.networks import DenseNetwork

ADAM = AdamConfig(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_form="tensorflow")
TRAINING = CurvesTraining(
    steps=30,
    eval_every=10,
    snapshots=[10, 30],
    training_curves=50,
    heldout_curves=20,
    batch_size=8,
    optimiser=ADAM,
)
METHODS = get_args(Method)
SGD = SGDConfig(kind="sgd", learning_rate=1e-3)
ADAGRAD = AdagradConfig(kind="adagrad", learning_rate=0.01, epsilon=1e-10)
OPTIMISERS = dict.fromkeys(METHODS, ADAM) | {
    "linear_sgd": SGD,
    "linear_adagrad": ADAGRAD,
    "preconditioned_sgd": SGD,
    "autoencoder": SGD,  # Adam's steps would be as large where a gradient is nothing but rounding
}
each_method = pytest.mark.parametrize("method", METHODS)
each_distribution = pytest.mark.parametrize("distribution", ["figure", "text"])


def decoder(n):
    """W_ij = [i - j + 1]₊."""
    i, j = np.indices((n, n))
    return np.maximum(i - j + 1, 0).astype(float)


def kinks(distribution="figure", n=40, count=200):
    return draw_kinks(distribution, n, count, np.random.default_rng(0))


def training_sets(n=20, count=30):
    """Curves of two seeds (2, count, n), in float64."""
    return curves_of(kinks(n=n, count=2 * count)).view(2, count, n)


def model(method, batch_size=5):
    """The untrained models of two seeds."""
    return model_of(CurvesPoint(method=method, n_points=20), training_sets(), batch_size, [0, 1])


def random_model(method):
    """The models of two seeds with large random weights, in float64."""
    made, rng = model(method), np.random.default_rng(1)
    for parameter in made.parameters:
        parameter.data = torch.from_numpy(rng.standard_normal(parameter.shape))
    if method == "autoencoder":
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


@each_method
def test_gradients_equal_autograd(method):
    trained = random_model(method)
    batch = torch.tensor([[3, 3, 0, 29, 7], [1, 28, 4, 4, 0]])
    trained.set_gradients((batch + torch.tensor([[0], [30]])).flatten())
    gradients = [parameter.grad.clone() for parameter in trained.parameters]

    parameters = [parameter.detach().requires_grad_() for parameter in trained.parameters]
    loss = sum(reference_losses(method, parameters, batch))
    for gradient, expected in zip(gradients, torch.autograd.grad(loss, parameters), strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


def reference_losses(method, parameters, batch):
    """The loss of each seed on a batch (seeds, batch) of its training set."""
    return [
        reference_loss(
            method, [layer[seed] for layer in parameters], sample[rows], second_moment(windows(sample))
        )
        for seed, (sample, rows) in enumerate(zip(training_sets(), batch, strict=True))
    ]


def reference_loss(method, parameters, sample, moment):
    """The loss of a method on a batch of curves, from its definition."""
    p = sample @ torch.linalg.inv(torch.from_numpy(decoder(sample.shape[1]))).t()
    (weights, *_) = parameters
    if method.startswith("linear"):
        return (sample @ weights - p).square().sum(1).mean()
    if method == "autoencoder":
        outputs = sample
        for layer in parameters[:-1]:
            outputs = torch.relu(outputs @ layer[:-1] + layer[-1])
        return (outputs @ parameters[-1][:-1] + parameters[-1][-1] - sample).square().mean()
    shifted = [torch.nn.functional.pad(sample, (lag, 0))[:, : sample.shape[1]] for lag in (2, 1, 0)]
    features = torch.stack(shifted, 2)
    if method.startswith("preconditioned"):
        values, vectors = np.linalg.eigh(moment.numpy())
        features = features @ torch.from_numpy(vectors / np.sqrt(values) @ vectors.T)
    return ((features @ weights).squeeze(2) - p).square().mean()


@pytest.mark.parametrize("method", [method for method in METHODS if method != "autoencoder"])
def test_the_exact_encoder_has_no_loss_and_no_gradient(method):
    sample = training_sets()
    filter_ = torch.tensor([[1.0], [-2.0], [1.0]], dtype=torch.float64)
    encoder = model(method, batch_size=30)
    if method.startswith("linear"):
        encoder.weights.copy_(torch.linalg.inv(torch.from_numpy(decoder(20))).t())
    elif method == "convolutional":
        encoder.weights.copy_(filter_)
    else:
        roots = torch.stack([inverse_root(second_moment(windows(one))) for one in sample])
        encoder.weights.copy_(torch.linalg.inv(roots) @ filter_)
    encoder.set_gradients(torch.arange(2 * 30))
    assert encoder.weights.grad.abs().max() < 1e-9
    error = encoder.decode(sample) - sample
    assert error.abs().max() < 1e-9
    assert (encoder.loss(error) < 1e-20).all()


@each_method
def test_the_loss_of_an_error_is_the_loss_that_is_minimised(method):
    trained, sample = random_model(method), training_sets()
    expected = torch.stack(reference_losses(method, trained.parameters, torch.arange(30).expand(2, -1)))
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
    point = CurvesPoint(method="preconditioned")
    sample = torch.stack([draw_curves(point, 1000, "train", seed=seed) for seed in (0, 1)])
    encoder = model_of(point, sample, 1, [0, 1])
    assert encoder.samples.dtype == torch.float32
    for inputs in inputs_of(encoder).split(1000):
        torch.testing.assert_close(
            second_moment(inputs), torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-4
        )


def test_the_untrained_encoders_decode_nothing():
    for method in ("linear", "convolutional", "preconditioned"):
        encoder = model(method)
        assert (encoder.decode(training_sets(count=4)) == 0).all()


def test_the_autoencoder_has_the_layers_of_the_paper():
    autoencoder = Autoencoder(torch.zeros(1, 1, 100), 1, [np.random.default_rng(0)])
    widths = [100, 500, 100, 6, 100, 100, 100]
    assert [tuple(layer.shape) for layer in autoencoder.parameters] == [
        (1, fan_in + 1, fan_out) for fan_in, fan_out in pairwise(widths)
    ]
    assert sum(layer.numel() for layer in autoencoder.parameters) == 122_106


def learner(method, seed=0, **axes):
    return CurvesLearner(CurvesPoint(method=method, **axes), TRAINING, [seed])


def inputs_of(encoder):
    """What the map sees of the training sets (seeds · count, rows, inputs)."""
    return encoder.samples[..., : encoder.weights.shape[1]]


def training_set(autoencoder):
    """The curves of an autoencoder's seeds, one after another."""
    return autoencoder.model.samples[:, :-1]


def test_methods_share_curves_and_batches():
    runs = [learner(method) for method in METHODS]
    for run in runs[1:]:
        assert torch.equal(run.heldout, runs[0].heldout)
        assert torch.equal(run.examples, runs[0].examples)
    linear, convolutional, autoencoder = (
        learner(name) for name in ("linear", "convolutional", "autoencoder")
    )
    assert torch.equal(inputs_of(linear.model).squeeze(1), training_set(autoencoder))
    assert torch.equal(inputs_of(convolutional.model)[..., 2], training_set(autoencoder))
    draws = [run.batch_streams[0].integers(0, 50, 100).tolist() for run in (linear, autoencoder)]
    assert draws[0] == draws[1]


def test_seeds_share_nothing_but_the_examples():
    first, second = (learner("autoencoder", seed) for seed in (0, 1))
    assert torch.equal(first.examples, second.examples)
    assert not torch.equal(first.heldout, second.heldout)
    assert not torch.equal(training_set(first), training_set(second))
    assert not torch.equal(first.model.parameters[0], second.model.parameters[0])


def test_heldout_curves_are_not_those_of_the_training_set():
    run = learner("autoencoder")
    distance = torch.cdist(run.heldout, training_set(run))
    assert distance.min() > 0


def test_errors_of_a_decoder_that_is_off_by_a_share():
    run = learner("linear")
    run.model.decode = lambda curves: 1.1 * curves.double()
    errors = run.evaluate()
    (heldout,) = run.heldout
    height = (heldout.max(1).values - heldout.min(1).values).double()
    expected = 0.1 * heldout.double().square().mean(1).sqrt() / height
    assert errors["decode_error"].item() == pytest.approx(expected.median().item(), rel=1e-6)
    assert errors["kink_error"].item() == pytest.approx(0.1, rel=1e-6)
    p = kinks_of(heldout.double())
    assert errors["loss"].item() == pytest.approx(0.01 * p.square().sum(1).mean().item(), rel=1e-5)


def test_nothing_decoded_is_an_error_of_one():
    assert learner("convolutional").evaluate()["kink_error"] == 1


@each_method
def test_a_run_is_the_same_whatever_the_block_and_again(method):
    point = CurvesPoint(method=method, n_points=20)
    block, alone = train(point, TRAINING, [0, 1]), train(point, TRAINING, [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)
    xr.testing.assert_identical(train(point, TRAINING, [1]), alone)


def ensemble_and_its_runs(method):
    """A learner of three seeds, and a learner of each alone."""
    training = TRAINING.model_copy(update={"optimiser": OPTIMISERS[method]})
    point, seeds = CurvesPoint(method=method, n_points=20), [4, 0, 7]
    return CurvesLearner(point, training, seeds), [CurvesLearner(point, training, [seed]) for seed in seeds]


def assert_same(ensemble, index, run):
    """One seed of an ensemble is where it is alone, but for the order of sums in products of matrices."""
    for ours, alone in zip(ensemble.model.parameters, run.model.parameters, strict=True):
        torch.testing.assert_close(ours[index], alone[0], rtol=0, atol=1e-6)
    xr.testing.assert_allclose(ensemble.results().isel(seed=[index]), run.results(), rtol=0, atol=1e-5)
    metrics = {name: values[[index]] for name, values in ensemble.evaluate().items()}
    torch.testing.assert_close(metrics, run.evaluate(), rtol=2e-6, atol=0)


@each_method
def test_an_ensemble_does_what_its_seeds_do_alone(method):
    ensemble, runs = ensemble_and_its_runs(method)
    for each in (ensemble, *runs):
        each.advance(10)
        each.advance(20)
    for index, run in enumerate(runs):
        assert_same(ensemble, index, run)


@each_method
def test_a_seed_that_diverges_leaves_the_others_of_its_ensemble_alone(method):
    ensemble, runs = ensemble_and_its_runs(method)
    for each in (ensemble, *runs):
        each.advance(10)
    for parameter in ensemble.model.parameters:
        parameter[1] = torch.nan
    for each in (ensemble, *runs):
        each.advance(20)
    assert_same(ensemble, 0, runs[0])
    assert_same(ensemble, 2, runs[2])
    assert all(values[1].isnan() for values in ensemble.evaluate().values())


def test_a_run_is_the_same_however_often_it_is_evaluated():
    point = CurvesPoint(method="linear", n_points=20)
    often = train(point, TRAINING.model_copy(update={"eval_every": 5}), [0])
    xr.testing.assert_identical(often.sel(step=[0, 10, 20, 30]), train(point, TRAINING, [0]))


def test_snapshots_are_the_decoded_examples_at_their_steps():
    point = CurvesPoint(method="convolutional")
    result = train(point, TRAINING, [3])
    run = CurvesLearner(point, TRAINING, [3])
    run.advance(30)
    at_end = result["decoded_example"].sel(seed=3, snapshot=30)
    np.testing.assert_array_equal(at_end, run.model.decode(run.examples[None])[0].float())
    assert at_end.dims == ("example", "x")
    assert (result["decoded_example"].sel(snapshot=10) != result["decoded_example"].sel(snapshot=30)).any()
    np.testing.assert_array_equal(result["example_curve"].sel(seed=3), run.examples)


def test_training_brings_the_preconditioned_filter_to_the_solution():
    sgd = TRAINING.model_copy(
        update={"optimiser": SGDConfig(kind="sgd", learning_rate=0.5), "steps": 200, "snapshots": [200]}
    )
    errors = train(CurvesPoint(method="preconditioned_sgd", n_points=50), sgd, [0])
    assert errors["kink_error"].isel(step=-1) < 1e-5


def test_a_diverged_run_keeps_the_data_contract(tmp_path):
    wild = TRAINING.model_copy(
        update={"optimiser": SGDConfig(kind="sgd", learning_rate=1e10), "steps": 100, "snapshots": [10, 100]}
    )
    result = train(CurvesPoint(method="linear_sgd"), wild, [0])
    assert result["diverged_at_step"].notnull().all()
    assert result["decoded_example"].sel(snapshot=100).isnull().all()
    dataset.write(result, tmp_path / "run.nc", {"title": "a run that diverged"})


def test_runs_of_different_lengths_and_sizes_combine_within_the_contract(tmp_path):
    short = TRAINING.model_copy(update={"steps": 10, "snapshots": [10]})
    runs = {}
    for point, training in [
        (CurvesPoint(method="linear", n_points=20), TRAINING),
        (CurvesPoint(method="linear", n_points=30), TRAINING),
        (CurvesPoint(method="convolutional", n_points=20), short),
        (CurvesPoint(method="convolutional", n_points=30), short),
    ]:
        made = f"point: {point.slug()}\ntraining: {training.steps}"
        attributes = {
            "code_hash": "c",
            "lock_hash": "l",
            "device": "cpu",
            "git_commit": "a",
            "git_dirty": 0,
            "wall_seconds": 1.0,
            "config": made,
        }
        runs[point.slug()] = train(point, training, [0, 1]).assign_attrs(attributes)
    axes = {"method": ["linear", "convolutional"], "n_points": [20, 30]}
    combined = combine(runs, axes, {"linear": 30, "convolutional": 10}, "method")
    decoded = combined["decoded_example"]
    assert dict(decoded.sizes) == {
        "method": 2, "n_points": 2, "seed": 2, "snapshot": 2, "example": 2, "x": 30,
    }  # fmt: skip
    assert decoded.sel({"method": "convolutional", "snapshot": 30}).isnull().all()
    assert decoded.sel({"method": "linear", "n_points": 30}).notnull().all()
    dataset.write(combined, tmp_path / "curves.nc", {"title": "all runs", **combined.attrs})
    broken = combined.assign(decoded_example=decoded.where(decoded["x"] != 5))
    with pytest.raises(ValueError, match="decoded_example"):
        dataset.write(broken, tmp_path / "broken.nc", {"title": "a hole"})


@pytest.mark.parametrize("snapshot", [5, 40])
def test_a_snapshot_must_be_an_evaluation(snapshot):
    with pytest.raises(
        ValidationError, match=f"snapshot {snapshot} is no evaluation; allowed: multiples of 10"
    ):
        CurvesTraining(**TRAINING.model_dump() | {"snapshots": [snapshot]})


def test_constants_of_the_paper():
    assert curves.KINKS == 3
    assert CurvesPoint(method="linear").slug() == "method~linear"
    assert CurvesPoint.from_slug("method~linear+n_points~50").n_points == 50


@pytest.mark.parametrize("distribution", ["figure", "text"])
def test_the_shortest_curves_have_room_for_their_kinks(distribution):
    drawn = draw_kinks(distribution, 10, 50, np.random.default_rng(0))
    assert ((drawn != 0).sum(1) == KINKS).all()
    with pytest.raises(ValidationError, match="n_points"):
        CurvesPoint(method="linear", curve_distribution=distribution, n_points=9)
