"""The parity experiment: the problem, the sharing of random numbers, and training from end to end."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures.problems.parity.experiment import ParityLearner, Settings, draw_target, run, sample
from gradient_failures.results import dataset
from gradient_failures.training.layers import dense_weights, relu_network
from gradient_failures.training.seeds import stream

ENCODINGS = ["signs", "bits"]


def settings(**changes):
    small = {"steps": 20, "eval_every": 5, "eval_samples": 100, "batch_size": 16, "learning_rate": 0.1}
    return Settings(**{"dim": 5, **small, **changes})


def sampled(target, count, encoding, rng):
    """Inputs and labels for one target."""
    inputs, labels = sample(np.array([target], dtype=np.uint8), count, encoding, [rng])
    return inputs[0], labels[0]


def learner(seed=0, **changes):
    return ParityLearner(settings(**changes), [seed])


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
    targets = [tuple(draw_target(settings(dim=4), rng).tolist()) for _ in range(8000)]
    assert_uniform(targets, list(product([0, 1], repeat=4)))


def test_a_target_of_fixed_size_is_uniform_among_the_subsets_of_that_size():
    rng = np.random.default_rng(0)
    of = settings(dim=5, fixed_subset_size=2)
    subsets = [tuple(np.flatnonzero(draw_target(of, rng)).tolist()) for _ in range(5000)]
    assert_uniform(subsets, list(combinations(range(5), 2)))


@given(st.integers(1, 60).flatmap(lambda dim: st.tuples(st.just(dim), st.integers(0, dim))))
def test_a_target_of_fixed_size_has_that_size(sizes):
    dim, size = sizes
    target = draw_target(settings(dim=dim, fixed_subset_size=size), np.random.default_rng(0))
    assert target.shape == (dim,)
    assert set(target.tolist()) <= {0, 1}
    assert target.sum() == size


def test_runs_of_one_seed_share_target_and_samples_whatever_their_network_and_encoding():
    problem = {"dim": 20, "fixed_subset_size": 7}
    first = learner(3, **problem)
    for changes in ({"input_encoding": "bits"}, {"architecture": "2d-3d"}):
        other = learner(3, **problem, **changes)
        assert first.targets.tolist() == other.targets.tolist()
        for name in ("train_streams", "test_streams"):
            (one,), (another,) = (getattr(each, name) for each in (first, other))
            assert one.bit_generator.state == another.bit_generator.state


def test_runs_that_differ_in_encoding_start_from_the_same_weights():
    signs, bits = (learner(3, dim=6, input_encoding=encoding) for encoding in ENCODINGS)
    assert same_weights(signs, bits)


def test_two_seeds_share_nothing():
    one, other = (learner(seed, dim=30) for seed in (0, 1))
    assert one.targets.tolist() != other.targets.tolist()
    assert not same_weights(one, other)
    names = ("train_streams", "test_streams")
    draws = {getattr(each, name)[0].bytes(16) for each in (one, other) for name in names}
    assert len(draws) == 4


@pytest.mark.parametrize("architecture", ["10d", "2d-3d"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_runs_side_by_side_are_those_of_each_seed_alone(encoding, architecture):
    of = settings(dim=7, input_encoding=encoding, architecture=architecture)
    together = ParityLearner(of, [4, 0, 7])
    alone = [ParityLearner(of, [seed]) for seed in (4, 0, 7)]
    together.network.layers[0][1] = torch.nan
    for each in (together, *alone):
        each.advance(30)
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
    of = settings(dim=4, architecture=architecture, input_encoding=encoding)
    block, alone = run(of, [0, 1, 2]), run(of, [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)
    assert not block["loss"].sel(seed=0).equals(block["loss"].sel(seed=1))


def test_two_trainings_are_bit_identical():
    xr.testing.assert_identical(run(settings(), [0, 1]), run(settings(), [0, 1]))


@pytest.mark.parametrize("batch_size", [128, 10])
@pytest.mark.parametrize("parts", [[7, 243], [100, 150], [1] * 3 + [247]])
def test_training_does_not_depend_on_how_often_it_is_evaluated(parts, batch_size):
    whole, parted = (learner(batch_size=batch_size) for _ in range(2))
    whole.advance(sum(parts))
    for part in parts:
        parted.advance(part)
    assert same_weights(whole, parted)


def test_an_advance_takes_exactly_the_steps_on_the_train_stream():
    trained, by_hand = (learner(dim=3, batch_size=4) for _ in range(2))
    trained.advance(7)
    inputs, labels = sample(by_hand.targets, 7 * 4, "signs", by_hand.train_streams)
    for step in range(7):
        rows = slice(4 * step, 4 * step + 4)
        by_hand.network.sgd_step(inputs[:, rows], labels[:, rows, None], 0.1)
    assert same_weights(trained, by_hand)


def scores_of(layers, inputs):
    """Scores (n,) of one network at inputs (n, d + 1), for autograd."""
    return relu_network([layer[None] for layer in layers], inputs[None, :, :-1].double()).flatten()


def margins_of(layers, target, count, encoding, rng):
    """Margins of fresh samples, whose labels are counted bit by bit."""
    inputs, _ = sampled(target, count, encoding, rng)
    counts = [sum(np.compress(target, bits)) for bits in bits_of(inputs, encoding)]
    return scores_of(layers, inputs) * torch.tensor([(-1.0) ** count for count in counts])


@pytest.mark.expects("parity.experiment", "accuracy")
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("architecture", ["10d", "2d-3d"])
def test_a_run_is_sgd_on_the_hinge_loss_of_fresh_samples_and_counts_right_signs(encoding, architecture):
    of = settings(dim=3, steps=120, eval_every=40, architecture=architecture, input_encoding=encoding)
    found = run(of, [4, 1])
    assert found["step"].values.tolist() == [0, 40, 80, 120]
    assert found["accuracy"].std("step").min() > 0.05
    for seed in (4, 1):
        problem = {"dim": 3, "fixed_subset_size": "random", "seed": seed}
        target = stream("parity", "target", **problem).integers(0, 2, 3, dtype=np.uint8)
        train, test = (stream("parity", purpose, **problem) for purpose in ("train", "test"))
        weights = stream("parity", "weights", dim=3, architecture=architecture, seed=seed)
        layers = [layer.double() for layer in dense_weights([3, *of.hidden_widths(), 1], weights)]
        for step in range(121):
            if step % 40 == 0:
                margins, at = margins_of(layers, target, 100, encoding, test), found.sel(seed=seed, step=step)
                assert at["accuracy"].item() == sum(margin > 0 for margin in margins.tolist()) / 100
                expected = sum(max(0.0, 1 - margin) for margin in margins.tolist()) / 100
                assert at["loss"].item() == pytest.approx(expected, rel=1e-4)
            leaves = [layer.requires_grad_() for layer in layers]
            loss = (1 - margins_of(leaves, target, 16, encoding, train)).relu().mean()
            gradients = torch.autograd.grad(loss, leaves)
            layers = [
                (layer - 0.1 * gradient).detach() for layer, gradient in zip(leaves, gradients, strict=True)
            ]


def test_evaluating_does_not_touch_training():
    watched, unwatched = (learner(dim=4) for _ in range(2))
    for _ in range(3):
        watched.advance(10)
        watched.evaluate()
        unwatched.advance(10)
    assert same_weights(watched, unwatched)


@pytest.mark.parametrize(("dim", "size"), [(2, 1), (2, 2), (3, 2), (3, 3)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_parities_of_two_or_three_bits_are_learnt(dim, size, encoding):
    problem = {"dim": dim, "fixed_subset_size": size, "input_encoding": encoding}
    history = run(settings(steps=1500, eval_every=500, batch_size=32, eval_samples=200, **problem), [0, 1])
    assert history["accuracy"].isel(step=-1).values.tolist() == [1.0, 1.0]
    assert (history["loss"].isel(step=-1) < 0.01).all()
    assert (history["loss"].isel(step=0) > 0.2).all()


def test_a_parity_of_thirty_bits_stays_at_chance_in_a_short_run():
    of = settings(dim=30, fixed_subset_size=15, steps=300, eval_every=300, eval_samples=4000)
    accuracy = run(of, [0])["accuracy"]
    assert abs(accuracy.isel(step=-1).item() - 0.5) < 5 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize("architecture", ["10d", "10d-10d"])
def test_a_huge_step_size_is_a_recorded_divergence_and_no_crash(tmp_path, architecture):
    history = run(settings(fixed_subset_size=3, architecture=architecture, learning_rate=1e30), [0, 1])
    assert history["diverged_at_step"].values.tolist() == [5.0, 5.0]
    assert np.isfinite(history["accuracy"].isel(step=0)).all()
    assert np.isnan(history["accuracy"].isel(step=slice(1, None))).all()
    assert history["subset_size"].values.tolist() == [3, 3]
    dataset.write(history, tmp_path / "run.nc", {"title": "a diverged run"})


def test_a_diverged_run_leaves_the_others_of_its_block_alone():
    wild = settings(dim=2, fixed_subset_size=2, learning_rate=1e10)
    together = run(wild, range(6))
    assert together["diverged_at_step"].notnull().any()
    for seed in range(6):
        xr.testing.assert_identical(together.sel(seed=[seed]), run(wild, [seed]))


def test_a_history_names_what_it_holds(tmp_path):
    history = run(settings(dim=7, steps=7), [2, 5])
    assert history["accuracy"].dims == history["loss"].dims == ("seed", "step")
    assert history["step"].values.tolist() == [0, 5, 7]
    assert history["seed"].values.tolist() == [2, 5]
    for seed in (2, 5):
        (target,) = learner(seed, dim=7).targets
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
    assert n_parameters(learner(dim=dim, architecture=architecture)) == expected
