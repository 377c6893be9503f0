"""The parity experiment: the problem, the sharing of random numbers, and training from end to end."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures import dataset
from gradient_failures.config.parity import ParityPoint, ParityTraining
from gradient_failures.experiments.parity import ParityLearner, draw_target, sample, train
from gradient_failures.seeds import stream

ENCODINGS = ["signs", "bits"]


def training(**changes):
    small = {"steps": 20, "eval_every": 5, "eval_samples": 100, "batch_size": 16, "learning_rate": 0.1}
    return ParityTraining(**{**small, **changes})


def sampled(target, count, encoding, rng):
    """Inputs and labels for one target."""
    inputs, labels = sample(np.array([target], dtype=np.uint8), count, encoding, [rng])
    return inputs[0], labels[0]


def learner(point, seed=0, **changes):
    return ParityLearner(point, training(**changes), [seed])


def bits_of(inputs, encoding):
    """The bits as Python integers, from the inputs as the network sees them."""
    coordinates = inputs[:, :-1].tolist()
    decode = {"bits": {0.0: 0, 1.0: 1}, "signs": {1.0: 0, -1.0: 1}}[encoding]
    return [[decode[value] for value in row] for row in coordinates]


def assert_uniform(items, outcomes):
    """Every outcome is as frequent as the others, within five standard deviations."""
    counts = Counter(items)
    assert set(counts) <= set(outcomes)
    share = 1 / len(outcomes)
    deviation = np.sqrt(len(items) * share * (1 - share))
    assert all(abs(counts[outcome] - len(items) * share) < 5 * deviation for outcome in outcomes)


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.network.layers, other.network.layers, strict=True))


def n_parameters(one):
    return sum(layer.numel() for layer in one.network.layers)


@given(
    target=st.lists(st.integers(0, 1), min_size=1, max_size=40),
    encoding=st.sampled_from(ENCODINGS),
    seed=st.integers(0, 1000),
)
def test_labels_are_minus_one_to_the_inner_product(target, encoding, seed):
    inputs, labels = sampled(target, 20, encoding, np.random.default_rng(seed))
    expected = [
        (-1) ** sum(bit * wanted for bit, wanted in zip(bits, target, strict=True))
        for bits in bits_of(inputs, encoding)
    ]
    assert labels.tolist() == expected
    assert inputs.dtype == labels.dtype == torch.float32


@given(dim=st.integers(1, 40), count=st.integers(1, 30))
def test_inputs_have_a_last_column_of_ones_for_the_bias(dim, count):
    inputs, labels = sampled([1] * dim, count, "signs", np.random.default_rng(0))
    assert inputs.shape == (count, dim + 1)
    assert labels.shape == (count,)
    assert inputs[:, -1].tolist() == [1.0] * count


@given(dim=st.integers(1, 40), seed=st.integers(0, 1000))
def test_both_encodings_describe_the_same_bits(dim, seed):
    signs, bits = (sampled([1] * dim, 20, encoding, np.random.default_rng(seed)) for encoding in ENCODINGS)
    assert bits_of(signs[0], "signs") == bits_of(bits[0], "bits")
    assert torch.equal(signs[1], bits[1])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_inputs_are_uniform_on_the_cube(encoding):
    inputs, _ = sampled([0] * 3, 20_000, encoding, np.random.default_rng(0))
    cube = list(product([0, 1], repeat=3))
    assert_uniform([tuple(bits) for bits in bits_of(inputs, encoding)], cube)


def test_coordinates_across_a_byte_are_independent():
    inputs, _ = sampled([0] * 20, 20_000, "signs", np.random.default_rng(0))
    moments = inputs.T @ inputs / 20_000 - torch.eye(21)
    assert moments.abs().max() < 5 / np.sqrt(20_000)


def test_a_uniform_target_is_uniform_on_the_cube():
    rng = np.random.default_rng(0)
    targets = [tuple(draw_target(ParityPoint(dim=4), rng).tolist()) for _ in range(8000)]
    assert_uniform(targets, list(product([0, 1], repeat=4)))


def test_a_target_of_fixed_size_is_uniform_among_the_subsets_of_that_size():
    rng = np.random.default_rng(0)
    point = ParityPoint(dim=5, fixed_subset_size=2)
    subsets = [tuple(np.flatnonzero(draw_target(point, rng)).tolist()) for _ in range(5000)]
    assert_uniform(subsets, list(combinations(range(5), 2)))


@given(st.integers(1, 60).flatmap(lambda dim: st.tuples(st.just(dim), st.integers(0, dim))))
def test_a_target_of_fixed_size_has_that_size(sizes):
    dim, size = sizes
    target = draw_target(ParityPoint(dim=dim, fixed_subset_size=size), np.random.default_rng(0))
    assert target.shape == (dim,)
    assert set(target.tolist()) <= {0, 1}
    assert target.sum() == size


def test_runs_of_one_seed_share_target_and_samples_whatever_their_network_and_encoding():
    point = {"dim": 20, "fixed_subset_size": 7}
    first = learner(ParityPoint(**point), 3)
    for changes in ({"input_encoding": "bits"}, {"architecture": "2d-3d"}):
        other = learner(ParityPoint(**point, **changes), 3)
        assert first.targets.tolist() == other.targets.tolist()
        for name in ("train_streams", "test_streams"):
            (one,), (another,) = (getattr(run, name) for run in (first, other))
            assert one.bit_generator.state == another.bit_generator.state


def test_runs_that_differ_in_encoding_start_from_the_same_weights():
    signs, bits = (learner(ParityPoint(dim=6, input_encoding=encoding), 3) for encoding in ENCODINGS)
    assert same_weights(signs, bits)


def test_two_seeds_share_nothing():
    one, other = (learner(ParityPoint(dim=30), seed) for seed in (0, 1))
    assert one.targets.tolist() != other.targets.tolist()
    assert not same_weights(one, other)
    names = ("train_streams", "test_streams")
    draws = {getattr(run, name)[0].bytes(16) for run in (one, other) for name in names}
    assert len(draws) == 4


@pytest.mark.parametrize("architecture", ["10d", "2d-3d"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_runs_side_by_side_are_those_of_each_seed_alone(encoding, architecture):
    point = ParityPoint(dim=7, input_encoding=encoding, architecture=architecture)
    together = ParityLearner(point, training(), [4, 0, 7])
    alone = [learner(point, seed) for seed in (4, 0, 7)]
    together.network.layers[0][1] = torch.nan
    for run in (together, *alone):
        run.advance(30)
    metrics = together.evaluate()
    assert metrics["loss"][1].isnan()
    for index in (0, 2):
        for name, value in alone[index].evaluate().items():
            torch.testing.assert_close(metrics[name][index], value[0], rtol=1e-5, atol=1e-5)
        for layers, (own,) in zip(together.network.layers, alone[index].network.layers, strict=True):
            torch.testing.assert_close(layers[index], own, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("architecture", ["10d", "2d-3d"])
def test_a_run_does_not_depend_on_the_block_of_its_seed(encoding, architecture):
    point = ParityPoint(dim=4, architecture=architecture, input_encoding=encoding)
    block, alone = train(point, training(), [0, 1, 2]), train(point, training(), [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)
    assert not block["loss"].sel(seed=0).equals(block["loss"].sel(seed=1))


def test_two_trainings_are_bit_identical():
    point = ParityPoint(dim=5)
    xr.testing.assert_identical(train(point, training(), [0, 1]), train(point, training(), [0, 1]))


@pytest.mark.parametrize("batch_size", [128, 10])
@pytest.mark.parametrize("parts", [[7, 243], [100, 150], [1] * 3 + [247]])
def test_training_does_not_depend_on_how_often_it_is_evaluated(parts, batch_size):
    whole, parted = (learner(ParityPoint(dim=5), batch_size=batch_size) for _ in range(2))
    whole.advance(sum(parts))
    for part in parts:
        parted.advance(part)
    assert same_weights(whole, parted)


def test_an_advance_takes_exactly_the_steps_on_the_train_stream():
    trained, by_hand = (learner(ParityPoint(dim=3), batch_size=4, learning_rate=0.1) for _ in range(2))
    trained.advance(7)
    inputs, labels = sample(by_hand.targets, 7 * 4, "signs", by_hand.train_streams)
    for step in range(7):
        rows = slice(4 * step, 4 * step + 4)
        by_hand.network.sgd_step(inputs[:, rows], labels[:, rows, None], 0.1)
    assert same_weights(trained, by_hand)


def test_an_evaluation_is_accuracy_and_mean_hinge_loss_on_samples_of_its_own():
    run = learner(ParityPoint(dim=6), 4, eval_samples=200)
    fresh = stream("parity", "test", dim=6, fixed_subset_size="random", seed=4)
    for _ in range(2):
        inputs, labels = sampled(run.targets[0], 200, "signs", fresh)
        (scores,) = run.network.scores(inputs[None])
        margins = [score * label for score, label in zip(scores, labels, strict=True)]
        metrics = {name: value.item() for name, value in run.evaluate().items()}
        assert metrics["accuracy"] == sum(margin.item() > 0 for margin in margins) / 200
        expected = sum(max(0.0, 1 - margin.item()) for margin in margins) / 200
        assert metrics["loss"] == pytest.approx(expected, rel=1e-6)


def test_evaluating_does_not_touch_training():
    watched, unwatched = (learner(ParityPoint(dim=4)) for _ in range(2))
    for _ in range(3):
        watched.advance(10)
        watched.evaluate()
        unwatched.advance(10)
    assert same_weights(watched, unwatched)


@pytest.mark.parametrize(("dim", "size"), [(2, 1), (2, 2), (3, 2), (3, 3)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_parities_of_two_or_three_bits_are_learnt(dim, size, encoding):
    point = ParityPoint(dim=dim, fixed_subset_size=size, input_encoding=encoding)
    settings = training(steps=1500, eval_every=500, batch_size=32, eval_samples=200)
    history = train(point, settings, [0, 1])
    assert history["accuracy"].isel(step=-1).values.tolist() == [1.0, 1.0]
    assert (history["loss"].isel(step=-1) < 0.01).all()
    assert (history["loss"].isel(step=0) > 0.2).all()


def test_a_parity_of_thirty_bits_stays_at_chance_in_a_short_run():
    settings = training(steps=300, eval_every=300, eval_samples=4000)
    accuracy = train(ParityPoint(dim=30, fixed_subset_size=15), settings, [0])["accuracy"]
    assert abs(accuracy.isel(step=-1).item() - 0.5) < 5 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize("architecture", ["10d", "10d-10d"])
def test_a_huge_step_size_is_a_recorded_divergence_and_no_crash(tmp_path, architecture):
    point = ParityPoint(dim=5, fixed_subset_size=3, architecture=architecture)
    history = train(point, training(learning_rate=1e30), [0, 1])
    assert history["diverged_at_step"].values.tolist() == [5.0, 5.0]
    assert np.isfinite(history["accuracy"].isel(step=0)).all()
    assert np.isnan(history["accuracy"].isel(step=slice(1, None))).all()
    assert history["subset_size"].values.tolist() == [3, 3]
    dataset.write(history, tmp_path / "run.nc", {"title": "a diverged run"})


def test_a_diverged_run_leaves_the_others_of_its_block_alone():
    point = ParityPoint(dim=2, fixed_subset_size=2)
    wild = training(learning_rate=1e10)
    together = train(point, wild, range(6))
    assert together["diverged_at_step"].notnull().any()
    for seed in range(6):
        xr.testing.assert_identical(together.sel(seed=[seed]), train(point, wild, [seed]))


def test_a_history_names_what_it_holds(tmp_path):
    history = train(ParityPoint(dim=7), training(steps=7), [2, 5])
    assert history["accuracy"].dims == history["loss"].dims == ("seed", "step")
    assert history["step"].values.tolist() == [0, 5, 7]
    assert history["seed"].values.tolist() == [2, 5]
    for seed in (2, 5):
        (target,) = learner(ParityPoint(dim=7), seed).targets
        assert history["subset_size"].sel(seed=seed).item() == target.sum()
    dataset.write(history, tmp_path / "run.nc", {"title": "two runs"})


@pytest.mark.parametrize(
    ("dim", "architecture", "expected"),
    [
        (5, "10d", 6 * 50 + 51),
        (30, "10d", 31 * 300 + 301),
        (30, "40d", 31 * 1200 + 1201),
        (30, "10d-10d", 31 * 300 + 301 * 300 + 301),
        (3, "2d-3d-1d", 4 * 6 + 7 * 9 + 10 * 3 + 4),
    ],
)
def test_the_number_of_parameters(dim, architecture, expected):
    assert n_parameters(learner(ParityPoint(dim=dim, architecture=architecture))) == expected
