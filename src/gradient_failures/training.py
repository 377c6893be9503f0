"""The one training loop of all experiments: advance, evaluate, record, report, save."""

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import xarray as xr

from gradient_failures.checkpoint import Checkpoint, Part, load_state, state_of
from gradient_failures.config.base import Training
from gradient_failures.dataset import DIVERGED, LAST_STEP

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 10.0

STEP_ATTRIBUTES = {"long_name": "training steps", "units": "1"}
SEED_ATTRIBUTES = {"long_name": "seed of the run", "units": "1"}
DIVERGED_ATTRIBUTES = {"long_name": "step of the first non-finite evaluation, NaN if none", "units": "1"}
LAST_STEP_ATTRIBUTES = {"long_name": "step at which the run ends", "units": "1"}

Variables = Mapping[str, Mapping[str, str]]
"""Attributes (``long_name``, ``units``) of each metric that a learner evaluates."""


class Learner(ABC):
    """One run: a problem, a network and an optimiser."""

    @abstractmethod
    def advance(self, steps: int) -> None:
        """Take ``steps`` training steps."""

    @abstractmethod
    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out samples, by the name of their variable."""

    @abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """All that the calls of :meth:`advance` and :meth:`evaluate` change and later ones depend on."""

    def results(self) -> xr.Dataset:
        """What the run leaves besides its metrics, over dimensions of its own; here nothing."""
        return xr.Dataset()


def evaluation_steps(steps: int, every: int) -> list[int]:
    """Steps at which a run is evaluated: 0, every ``every`` steps, and the last one."""
    return [*range(0, steps, every), steps]


def fit_each(
    seeds: Iterable[int],
    learner_of: Callable[[int], Learner],
    training: Training,
    variables: Variables,
    checkpoint: Checkpoint | None = None,
) -> xr.Dataset:
    """Train the learner of each of ``seeds`` in turn and record its metrics.

    A run whose metrics stop being finite is recorded as diverged and not trained further.

    Parameters
    ----------
    checkpoint : where the block of runs goes on from, and is saved after evaluations; none, nowhere.

    Returns
    -------
    Dataset with each metric over (seed, step), NaN from divergence on, ``diverged_at_step`` and
    ``last_step`` (seed), and the results of each learner over seed and their dimensions.
    """

    def fresh() -> _Block:
        return _Block(seeds, lambda seed: _Run(learner_of(seed), training, seed, variables))

    block = checkpoint.restored(fresh) if checkpoint else fresh()
    while not block.over:
        block.proceed()
        if checkpoint:
            checkpoint.offer(block)
    return xr.concat(block.histories, dim="seed")


class _Block:
    """The runs of several seeds, one after another; as text, the last evaluation."""

    def __init__(self, seeds: Iterable[int], run_of: Callable[[int], "_Run"]) -> None:
        self.seeds, self.run_of = list(seeds), run_of
        self.histories: list[xr.Dataset] = []
        self.run: _Run | None = None

    def __str__(self) -> str:
        return str(self.run) if self.run else f"{len(self.histories)} of {len(self.seeds)} seeds"

    @property
    def over(self) -> bool:
        """Whether all runs are."""
        return len(self.histories) == len(self.seeds)

    def proceed(self) -> None:
        """Go on to the next evaluation."""
        self.run = self.run or self._next_run()
        self.run.proceed()
        if self.run.over:
            self.histories.append(self.run.history())
            self.run = None

    def state(self) -> dict[str, Any]:
        """The histories of the runs that are over, and the state of the one in progress, if any."""
        return {
            "histories": [_packed(history) for history in self.histories],
            "run": self.run.state() if self.run else None,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""
        self.histories = [_unpacked(history) for history in state["histories"]]
        if state["run"] is not None:
            self.run = self._next_run()
            self.run.load_state(state["run"])

    def _next_run(self) -> "_Run":
        return self.run_of(self.seeds[len(self.histories)])


class _Run:
    """One run in progress, with the metrics of its evaluations so far; as text, the last of them."""

    def __init__(self, learner: Learner, training: Training, seed: int, variables: Variables) -> None:
        self.learner, self.seed, self.variables = learner, seed, variables
        self.schedule = evaluation_steps(training.steps, training.eval_every)
        self.metrics: list[dict[str, float]] = []
        self.progress = _Progress(0, training.steps)

    def __str__(self) -> str:
        return f"seed {self.seed}, step {self.step} of {self.schedule[-1]}"

    @property
    def step(self) -> int:
        """The step of the last evaluation."""
        return self.schedule[len(self.metrics) - 1]

    @property
    def diverged(self) -> bool:
        """Whether the last evaluation was not finite."""
        return not all(math.isfinite(value) for value in self.metrics[-1].values())

    @property
    def over(self) -> bool:
        """Whether it has taken its last step, or diverged."""
        return self.diverged or self.step == self.schedule[-1]

    def proceed(self) -> None:
        """Go on to the next evaluation."""
        if self.metrics:
            self.learner.advance(self.schedule[len(self.metrics)] - self.step)
        self.metrics.append(self.learner.evaluate())
        if self.diverged:
            log.warning("seed %d diverged: %s at step %d", self.seed, self.metrics[-1], self.step)
        else:
            self.progress.report(self)

    def state(self) -> dict[str, Any]:
        """The metrics so far, and the state of the learner."""
        parts = self.learner.parts()
        return {
            "metrics": self.metrics,
            "learner": {name: state_of(part) for name, part in parts.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""
        self.metrics = state["metrics"]
        self.progress = _Progress(self.step, self.schedule[-1])
        for name, part in self.learner.parts().items():
            load_state(part, state["learner"][name])

    def history(self) -> xr.Dataset:
        """Metrics, how the run ended, and the results of its learner, each with one seed."""
        finite = self.metrics[:-1] if self.diverged else self.metrics
        missing = [math.nan] * (len(self.schedule) - len(finite))
        records = {
            name: (("seed", "step"), [[metrics[name] for metrics in finite] + missing], dict(attributes))
            for name, attributes in self.variables.items()
        }
        diverged_at = float(self.step) if self.diverged else math.nan
        history = xr.Dataset(
            {
                **records,
                DIVERGED: ("seed", [diverged_at], DIVERGED_ATTRIBUTES),
                LAST_STEP: ("seed", [self.schedule[-1]], LAST_STEP_ATTRIBUTES),
            },
            coords={
                "seed": ("seed", [self.seed], SEED_ATTRIBUTES),
                "step": ("step", self.schedule, STEP_ATTRIBUTES),
            },
        )
        return history.merge(self.learner.results().expand_dims("seed"))


def _packed(history: xr.Dataset) -> dict[str, Any]:
    """Dimensions, values and attributes of each variable, as a checkpoint takes them."""
    return {
        str(name): (variable.dims, torch.tensor(variable.values, device="cpu"), variable.attrs)
        for name, variable in history.variables.items()
    }


def _unpacked(packed: Mapping[str, Any]) -> xr.Dataset:
    """The history that :func:`_packed` was given."""
    return xr.Dataset(
        {name: (dims, values.numpy(), attributes) for name, (dims, values, attributes) in packed.items()}
    )


class _Progress:
    """Log lines with step, metrics, rate and time left, at most one every few seconds."""

    def __init__(self, first_step: int, last_step: int) -> None:
        self.first_step, self.last_step = first_step, last_step
        self.started = time.monotonic()
        self.next_report = self.started

    def report(self, run: _Run) -> None:
        now = time.monotonic()
        if now < self.next_report and run.step < self.last_step:
            return
        self.next_report = now + SECONDS_BETWEEN_REPORTS
        rate = (run.step - self.first_step) / max(now - self.started, 1e-9)
        left = f"{(self.last_step - run.step) / rate:.0f} s left" if rate else "starting"
        values = ", ".join(f"{name} {value:.4f}" for name, value in run.metrics[-1].items())
        log.info(
            "seed %d, step %d of %d: %s; %.0f steps/s, %s",
            run.seed,
            run.step,
            self.last_step,
            values,
            rate,
            left,
        )
