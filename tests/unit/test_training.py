"""The training loop, driven by a learner whose metric is the number of its steps."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures import dataset
from gradient_failures.config.base import Training
from gradient_failures.training import Learner, evaluation_steps, fit_each

VARIABLES = {
    "taken": {"long_name": "steps taken", "units": "1"},
    "left": {"long_name": "steps left", "units": "1"},
}


class Counter(Learner):
    """A learner that counts its steps; ``bad`` is its metric once it has taken ``diverges_at`` of them."""

    def __init__(self, steps, diverges_at=math.inf, bad=math.nan):
        self.steps, self.diverges_at, self.bad = steps, diverges_at, bad
        self.taken = 0
        self.advances = []

    def advance(self, steps):
        self.taken += steps
        self.advances.append(steps)

    def evaluate(self):
        left = self.bad if self.taken >= self.diverges_at else self.steps - self.taken
        return {"taken": float(self.taken), "left": float(left)}

    def parts(self):
        return {}


def fitted(learner, eval_every, seed=7):
    return fit_each(
        [seed], lambda _: learner, Training(steps=learner.steps, eval_every=eval_every), VARIABLES
    )


@given(steps=st.integers(1, 500), every=st.integers(1, 600))
def test_evaluations_are_at_zero_every_so_often_and_at_the_end(steps, every):
    schedule = evaluation_steps(steps, every)
    assert (schedule[0], schedule[-1]) == (0, steps)
    assert sorted(set(schedule)) == schedule
    assert set(schedule) == {step for step in range(steps + 1) if step % every == 0} | {steps}


@given(steps=st.integers(1, 60), data=st.data())
def test_every_metric_belongs_to_the_step_it_is_recorded_at(steps, data):
    every = data.draw(st.integers(1, steps))
    learner = Counter(steps)
    history = fitted(learner, every)
    np.testing.assert_array_equal(history["taken"].sel(seed=7), history["step"])
    np.testing.assert_array_equal(history["left"].sel(seed=7), steps - history["step"])
    assert history["step"].values.tolist() == evaluation_steps(steps, every)
    assert learner.taken == steps
    assert all(taken > 0 for taken in learner.advances)
    assert math.isnan(history["diverged_at_step"].item())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("diverges_at", "flagged"), [(0, 0), (1, 10), (10, 10), (11, 20), (25, 25)])
def test_a_diverged_run_is_flagged_cut_off_and_trained_no_further(diverges_at, flagged, bad):
    learner = Counter(25, diverges_at, bad)
    history = fitted(learner, eval_every=10).sel(seed=7)
    assert history["diverged_at_step"].item() == flagged
    assert learner.taken == flagged
    kept = history["step"].values < flagged
    for name in VARIABLES:
        assert np.isfinite(history[name].values[kept]).all()
        assert np.isnan(history[name].values[~kept]).all()


def test_the_history_keeps_the_data_contract_diverged_or_not(tmp_path):
    for diverges_at in (math.inf, 10):
        history = fitted(Counter(25, diverges_at), eval_every=10)
        assert history["taken"].dims == ("seed", "step")
        assert history["taken"].attrs == VARIABLES["taken"]
        dataset.write(history, tmp_path / "history.nc", {"title": "a run"})


def test_the_log_says_how_far_the_run_is(caplog):
    caplog.set_level(logging.INFO)
    fitted(Counter(25), eval_every=10)
    assert "seed 7, step 0 of 25: taken 0.0000, left 25.0000" in caplog.text
    assert "seed 7, step 25 of 25: taken 25.0000, left 0.0000" in caplog.text
    assert "diverged" not in caplog.text


def test_the_log_warns_of_a_diverged_run(caplog):
    fitted(Counter(25, diverges_at=20), eval_every=10)
    assert "seed 7 diverged" in caplog.text
    assert "step 20" in caplog.text
