"""The training loop, driven by learners whose metric is the number of their steps."""

import logging
import math
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from gradient_failures.config.base import TrainingSettings
from gradient_failures.results import dataset
from gradient_failures.training.loop import Learner, evaluation_steps, fit
from training.emulated_gpu import emulated_gpu

LONG_NAMES = {"taken": "steps taken", "left": "steps left"}


class Counter(Learner):
    """Runs that count their steps; ``bad`` is the metric of one that has taken ``diverges_at`` of them."""

    def __init__(self, steps, *diverges_at, bad=math.nan):
        self.steps, self.diverges_at, self.bad = steps, diverges_at or [math.inf], bad
        self.taken = 0
        self.advances = []

    def advance(self, steps):
        self.taken += steps
        self.advances.append(steps)

    def evaluate(self):
        left = [self.bad if self.taken >= at else self.steps - self.taken for at in self.diverges_at]
        metrics = {"taken": [self.taken] * len(left), "left": left}
        return {
            name: torch.tensor(values, dtype=torch.float64, device="cpu") for name, values in metrics.items()
        }

    def state(self):
        return {}


def settings(steps, eval_every):
    return TrainingSettings(steps=steps, eval_every=eval_every, batch_size=1)


def fitted(learner, eval_every, seeds=(7,)):
    """Trained as on the CPU, where an ensemble is one run."""
    return fit(seeds, lambda _: learner, settings(learner.steps, eval_every), LONG_NAMES)


def fitted_side_by_side(learner, eval_every, seeds):
    """Trained as on a GPU, where an ensemble is the whole block."""
    with emulated_gpu():
        return fitted(learner, eval_every, seeds)


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
    learner = Counter(25, diverges_at, bad=bad)
    history = fitted(learner, eval_every=10).sel(seed=7)
    assert history["diverged_at_step"].item() == flagged
    assert learner.taken == flagged
    kept = history["step"].values < flagged
    for name in LONG_NAMES:
        assert np.isfinite(history[name].values[kept]).all()
        assert np.isnan(history[name].values[~kept]).all()


def test_a_run_that_diverges_ends_and_the_next_goes_its_whole_way():
    learners = {4: Counter(30, 15), 7: Counter(30)}
    history = fit([4, 7], lambda seeds: learners[seeds[0]], settings(30, 10), LONG_NAMES)
    assert [learner.taken for learner in learners.values()] == [20, 30]
    np.testing.assert_array_equal(history["diverged_at_step"], [20, math.nan])


@pytest.mark.parametrize("device", [nullcontext, emulated_gpu])
def test_results_of_learners_stand_beside_the_metrics(device):
    class Marked(Counter):
        def __init__(self, seeds):
            super().__init__(2, *[math.inf] * len(seeds))
            self.seeds = seeds

        def results(self):
            return xr.Dataset({"mark": ("seed", self.seeds), "curve": ("x", [5, 6])}, {"x": [0, 1]})

    with device():
        history = fit([4, 7, 5], Marked, settings(2, 1), LONG_NAMES)
    assert list(history.data_vars) == ["taken", "left", "diverged_at_step", "last_step", "mark", "curve"]
    assert history["mark"].values.tolist() == history["seed"].values.tolist() == [4, 7, 5]
    assert history["curve"].dims == ("x",)
    assert history["last_step"].values.tolist() == [2, 2, 2]


def test_the_history_keeps_the_data_contract_diverged_or_not(tmp_path):
    for diverges_at in (math.inf, 10):
        history = fitted(Counter(25, diverges_at), eval_every=10)
        assert history["taken"].dims == ("seed", "step")
        assert history["taken"].attrs == {"long_name": "steps taken", "units": "1"}
        dataset.write(history, tmp_path / "history.nc", {"title": "a run"})


def test_the_log_says_how_far_the_run_is(caplog):
    caplog.set_level(logging.INFO)
    fitted(Counter(25), eval_every=10)
    assert "seed 7, step 0 of 25: taken 0.0000, left 25.0000; 0 steps/s, starting" in caplog.text
    assert "seed 7, step 25 of 25: taken 25.0000, left 0.0000" in caplog.text
    assert "diverged" not in caplog.text


def test_the_log_warns_of_a_diverged_run(caplog):
    fitted(Counter(25, 20), eval_every=10)
    assert "seed 7 diverged" in caplog.text
    assert "step 20" in caplog.text


def test_runs_side_by_side_are_each_cut_off_where_they_diverge(caplog):
    caplog.set_level(logging.INFO)
    learner = Counter(30, math.inf, 15, 0)
    history = fitted_side_by_side(learner, eval_every=10, seeds=[4, 7, 5])
    assert history["seed"].values.tolist() == [4, 7, 5]
    np.testing.assert_array_equal(history["diverged_at_step"], [math.nan, 20, 0])
    np.testing.assert_array_equal(history["left"].sel(seed=4), [30, 20, 10, 0])
    np.testing.assert_array_equal(history["left"].sel(seed=7), [30, 20, math.nan, math.nan])
    np.testing.assert_array_equal(history["taken"].sel(seed=5), [math.nan] * 4)
    assert learner.taken == 30
    assert "seed 5 diverged: {'taken': 0.0, 'left': nan} at step 0" in caplog.text
    assert "seed 7 diverged" in caplog.text
    assert caplog.text.count("diverged") == 2
    assert "seeds 4 to 5, step 30 of 30: taken 30.0000, left 0.0000" in caplog.text


def test_runs_that_have_all_diverged_are_trained_no_further():
    learner = Counter(30, 5, 15)
    history = fitted_side_by_side(learner, eval_every=10, seeds=[0, 1])
    assert learner.taken == 20
    assert history["diverged_at_step"].values.tolist() == [10, 20]


def test_the_cpu_trains_one_run_after_another_and_a_gpu_all_side_by_side():
    ensembles = []

    def started(seeds):
        ensembles.append(list(seeds))
        return Counter(2, *[math.inf] * len(seeds))

    one_by_one = fit([3, 1, 2], started, settings(2, 1), LONG_NAMES)
    with emulated_gpu():
        together = fit([3, 1, 2], started, settings(2, 1), LONG_NAMES)
    assert ensembles == [[3], [1], [2], [3, 1, 2]]
    xr.testing.assert_identical(one_by_one, together)


MEMORY_AFTER_A_SHORT_AND_A_LONG_RUN = """
from pathlib import Path

import torch

from tiny_runs import RUNS, module_of

torch.set_num_threads(1)
name = "curves/approach~linear"
for steps in (500, 15000):
    sizes = {"steps": steps, "eval_every": 100, "training_curves": 1000, "heldout_curves": 1000}
    module_of(name).run(RUNS[name].model_copy(update={**sizes, "snapshots": []}), [0])
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    print(pages * 4096)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read as Linux tells it")
def test_memory_does_not_grow_with_the_number_of_evaluations():
    """What an evaluation leaves must not be put into the memory that the next one could have used again."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_AFTER_A_SHORT_AND_A_LONG_RUN],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
            "MALLOC_MMAP_MAX_": "0",
            "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    short, long = map(int, done.stdout.split())
    assert long - short < 20e6
