"""The one training loop of all experiments: advance, evaluate, record, report."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
import xarray as xr

from gradient_failures.config.base import Training
from gradient_failures.dataset import DIVERGED, LAST_STEP

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 10.0

STEP_ATTRIBUTES = {"long_name": "training steps", "units": "1"}
SEED_ATTRIBUTES = {"long_name": "seed of the run", "units": "1"}
DIVERGED_ATTRIBUTES = {"long_name": "step of the first non-finite evaluation, NaN if none", "units": "1"}
LAST_STEP_ATTRIBUTES = {"long_name": "step at which the run ends", "units": "1"}


class Learner(Protocol):
    """One run in progress: a problem, a network and an optimiser."""

    def advance(self, steps: int) -> None:
        """Take ``steps`` training steps."""

    def evaluate(self) -> Mapping[str, float]:
        """Metrics on fresh held-out samples, by the name of their variable."""


def evaluation_steps(steps: int, every: int) -> list[int]:
    """Steps at which a run is evaluated: 0, every ``every`` steps, and the last one."""
    return [*range(0, steps, every), steps]


def fit(
    learner: Learner,
    *,
    steps: int,
    eval_every: int,
    seed: int,
    variables: Mapping[str, Mapping[str, str]],
) -> xr.Dataset:
    """Train ``learner`` and record its metrics.

    A run whose metrics stop being finite is recorded as diverged and not trained further.

    Parameters
    ----------
    variables : attributes (``long_name``, ``units``) of each metric that the learner evaluates.

    Returns
    -------
    Dataset with each metric over (seed, step), NaN from divergence on, ``diverged_at_step`` and
    ``last_step`` (seed).
    """
    schedule = evaluation_steps(steps, eval_every)
    records = {name: np.full(len(schedule), np.nan) for name in variables}
    diverged_at = math.nan
    progress = _Progress(steps, seed)
    for index, step in enumerate(schedule):
        if step > 0:
            learner.advance(step - schedule[index - 1])
        metrics = learner.evaluate()
        if not all(math.isfinite(value) for value in metrics.values()):
            diverged_at = step
            log.warning("seed %d diverged: %s at step %d", seed, dict(metrics), step)
            break
        for name, value in metrics.items():
            records[name][index] = value
        progress.report(step, metrics)
    return xr.Dataset(
        {
            **{
                name: (("seed", "step"), values[np.newaxis], dict(variables[name]))
                for name, values in records.items()
            },
            DIVERGED: ("seed", [float(diverged_at)], DIVERGED_ATTRIBUTES),
            LAST_STEP: ("seed", [steps], LAST_STEP_ATTRIBUTES),
        },
        coords={
            "seed": ("seed", [seed], SEED_ATTRIBUTES),
            "step": ("step", schedule, STEP_ATTRIBUTES),
        },
    )


def fit_each(
    seeds: Iterable[int],
    learner_of: Callable[[int], Learner],
    training: Training,
    variables: Mapping[str, Mapping[str, str]],
) -> xr.Dataset:
    """Train the learner of each of ``seeds`` in turn; the records of :func:`fit`, put together."""
    runs = [
        fit(
            learner_of(seed),
            steps=training.steps,
            eval_every=training.eval_every,
            seed=seed,
            variables=variables,
        )
        for seed in seeds
    ]
    return xr.concat(runs, dim="seed")


class _Progress:
    """Log lines with step, metrics, rate and time left, at most one every few seconds."""

    def __init__(self, steps: int, seed: int) -> None:
        self.steps, self.seed = steps, seed
        self.started = time.monotonic()
        self.next_report = self.started

    def report(self, step: int, metrics: Mapping[str, float]) -> None:
        now = time.monotonic()
        if now < self.next_report and step < self.steps:
            return
        self.next_report = now + SECONDS_BETWEEN_REPORTS
        rate = step / max(now - self.started, 1e-9)
        left = f"{(self.steps - step) / rate:.0f} s left" if step else "starting"
        values = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        log.info(
            "seed %d, step %d of %d: %s; %.0f steps/s, %s", self.seed, step, self.steps, values, rate, left
        )
