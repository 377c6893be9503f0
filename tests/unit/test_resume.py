"""Training that is stopped and goes on gives the bits of training that never was, in every experiment."""

import importlib
import logging
import signal

import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from gradient_failures.checkpoint import StoppedError, checkpoint_in
from gradient_failures.config.parity import ParityPoint, ParityTraining
from gradient_failures.experiments import parity
from gradient_failures.experiments.parity import ParityLearner
from unit.tiny_runs import RUNS

SEEDS = [0, 1]


class Stopping:
    """A checkpoint of a job that gets a signal after ``evaluations``."""

    def __init__(self, checkpoint, evaluations):
        self.checkpoint, self.left = checkpoint, evaluations
        self.restored = checkpoint.restored

    def offer(self, job):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGTERM)
        self.checkpoint.offer(job)


def trained_with_stops(train, folder, stops):
    """The result of training that is stopped after each number of evaluations in ``stops``, in turn."""
    for evaluations in [*stops, 0]:
        try:
            with checkpoint_in(folder, {}, every=3600) as checkpoint:
                return train(Stopping(checkpoint, evaluations))
        except StoppedError:
            assert list(folder.glob("*.pt"))
    raise AssertionError("stopped at the end")


def assert_same_bits(ours, theirs):
    xr.testing.assert_identical(ours, theirs)
    assert list(ours.variables) == list(theirs.variables)
    for name in ours.variables:
        assert ours[name].dtype == theirs[name].dtype
        assert ours[name].values.tobytes() == theirs[name].values.tobytes()


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_a_block_stopped_after_every_evaluation(run, side_by_side, tmp_path, monkeypatch):
    name, point, training = RUNS[run]
    experiment = importlib.import_module(f"gradient_failures.experiments.{name}")
    if side_by_side:
        monkeypatch.setattr("gradient_failures.training.ensembles_of", lambda seeds: [seeds])
    whole = experiment.train(point, training, SEEDS)
    stops = [1] * (4 if side_by_side else 8)
    assert whole.sizes["step"] == 4
    stopped = trained_with_stops(
        lambda checkpoint: experiment.train(point, training, SEEDS, checkpoint), tmp_path / "job", stops
    )
    assert_same_bits(stopped, whole)


def test_the_runs_are_those_of_all_experiments_and_methods():
    points = {}
    for name, point, training in RUNS.values():
        points.setdefault(name, []).append(point)
        if name == "curves":
            assert training.optimiser.kind in ("adam", "sgd", "adagrad")
    assert set(points) == {"parity", "tuples", "allocation", "steps", "curves"}
    assert len({point.method for point in points["curves"]}) == 7
    assert len({point.method for point in points["steps"]}) == 4
    assert {point.approach for point in points["allocation"]} == {"end_to_end", "decomposition"}
    assert {point.approach for point in points["tuples"]} == {
        "end_to_end",
        "decomposition",
        "end_to_end_long",
    }
    assert {point.training_set for point in points["tuples"]} == {"fresh", "fixed"}


def parities(learning_rate):
    """Short training of four parities, three steps between evaluations."""
    training = ParityTraining(
        steps=10, eval_every=3, eval_samples=10, batch_size=4, learning_rate=learning_rate
    )
    return lambda checkpoint=None: parity.train(ParityPoint(dim=3), training, range(4), checkpoint)


@settings(max_examples=15)
@given(stops=st.lists(st.integers(1, 20), max_size=8), learning_rate=st.sampled_from([0.1, 1e30]))
def test_a_block_stopped_anywhere_diverging_or_not(tmp_path_factory, stops, learning_rate):
    train = parities(learning_rate)
    stopped = trained_with_stops(train, tmp_path_factory.mktemp("stops") / "job", stops)
    assert_same_bits(stopped, train())


def test_some_of_these_blocks_diverge():
    diverged = parities(1e30)()["diverged_at_step"]
    assert 0 < diverged.notnull().sum() < 4
    assert parities(0.1)()["diverged_at_step"].isnull().all()


def test_checkpoints_taken_all_the_time_change_nothing(tmp_path):
    with checkpoint_in(tmp_path / "job", {}, every=0) as checkpoint:
        watched = parities(0.1)(checkpoint)
    assert_same_bits(watched, parities(0.1)())


def test_the_log_says_where_a_block_goes_on_and_no_step_is_taken_twice(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    advance, taken = ParityLearner.advance, []

    def counted(learner, steps):
        taken.append(steps)
        advance(learner, steps)

    monkeypatch.setattr(ParityLearner, "advance", counted)
    trained_with_stops(parities(0.1), tmp_path / "job", [2, 3])
    # a seed has five evaluations: at 0, 3, 6, 9 and 10
    assert "resumed after seed 0, step 3 of 10, from" in caplog.text
    assert "resumed after 1 of 4 seeds, from" in caplog.text
    assert taken == [3, 3, 3, 1] * 4


def test_a_damaged_checkpoint_of_training_costs_time_but_no_bits(tmp_path, caplog):
    def train(checkpoint):
        for path in (tmp_path / "job").glob("*.pt"):
            path.write_bytes(path.read_bytes()[:-1])
        return parities(0.1)(checkpoint)

    assert_same_bits(trained_with_stops(train, tmp_path / "job", [2, 3]), parities(0.1)())
    assert caplog.text.count("is not used: it is truncated or damaged") == 2
