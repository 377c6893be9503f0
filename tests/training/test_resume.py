"""Training that is stopped and goes on gives the bits of training that never was, in every kind of run."""

import io
import logging
import signal
from typing import Literal, get_args, get_origin

import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from gradient_failures.problems.parity import experiment
from gradient_failures.problems.parity.settings import ParitySettings
from gradient_failures.training.checkpoint import StoppedError, checkpoint_in
from tiny_runs import RUNS, module_of

SEEDS = [0, 1]


class BornAgain:
    """A job that goes on, before each evaluation, from what was saved of it."""

    def __init__(self, fresh):
        self.fresh, self.job = fresh, fresh()

    def __getattr__(self, name):
        return getattr(self.job, name)

    def proceed(self):
        file = io.BytesIO()
        torch.save(self.job.saved(), file)
        file.seek(0)
        self.job = self.fresh()
        self.job.resume(torch.load(file, weights_only=True))
        self.job.proceed()


class StoppedBeforeEveryEvaluation:
    """A checkpoint."""

    def restored(self, fresh):
        return BornAgain(fresh)

    def offer(self, job):
        pass


def assert_same_bits(ours, theirs):
    xr.testing.assert_identical(ours, theirs)
    assert list(ours.variables) == list(theirs.variables)
    for name in ours.variables:
        assert ours[name].dtype == theirs[name].dtype
        assert ours[name].values.tobytes() == theirs[name].values.tobytes()


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_every_kind_of_run_stopped_before_every_evaluation(run, side_by_side, monkeypatch):
    if side_by_side:
        monkeypatch.setattr("gradient_failures.training.loop.ensemble_size", len)
    train = module_of(run).run
    whole = train(RUNS[run], SEEDS)
    assert whole.sizes["step"] == 4
    assert_same_bits(train(RUNS[run], SEEDS, StoppedBeforeEveryEvaluation()), whole)


def test_the_runs_are_of_every_kind():
    """Each choice that the settings of a problem leave is made by one of them."""
    problems = {run.split("/")[0] for run in RUNS}
    assert {"parity", "tuples", "allocation", "flat_activations", "curves"} <= problems
    for problem in problems:
        runs = [run for name, run in RUNS.items() if name.startswith(f"{problem}/")]
        for name, field in type(runs[0]).model_fields.items():
            if get_origin(field.annotation) is Literal:
                assert {getattr(run, name) for run in runs} == set(get_args(field.annotation))
    optimisers = {run.optimiser.kind for name, run in RUNS.items() if name.startswith("curves/")}
    assert optimisers == {"adam", "sgd", "adagrad"}


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
    """The result of training that is stopped after each number of evaluations in ``stops``, in turn.

    It is saved after every evaluation.
    """
    for evaluations in [*stops, 0]:
        try:
            with checkpoint_in(folder, {}, every=0) as checkpoint:
                return train(Stopping(checkpoint, evaluations))
        except StoppedError:
            assert list(folder.glob("*.pt"))
    raise AssertionError("stopped at the end")


def parities(learning_rate):
    """Short training of four parities, three steps between evaluations."""
    training = {"steps": 10, "eval_every": 3, "eval_samples": 10, "batch_size": 4}
    settings = ParitySettings(dim=3, learning_rate=learning_rate, **training)
    return lambda checkpoint=None: experiment.run(settings, range(4), checkpoint)


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


def test_the_log_says_where_a_block_goes_on_and_no_step_is_taken_twice(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    advance, taken = experiment.ParityLearner.advance, []

    def counted(learner, steps):
        taken.append(steps)
        advance(learner, steps)

    monkeypatch.setattr(experiment.ParityLearner, "advance", counted)
    trained_with_stops(parities(0.1), tmp_path / "job", [2, 3])
    # a seed has five evaluations: at 0, 3, 6, 9 and 10
    assert "resumed after seed 0, step 3 of 10, from" in caplog.text
    assert "resumed after 1 of 4 seeds, from" in caplog.text
    assert taken == [3, 3, 3, 1] * 4
