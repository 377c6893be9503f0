"""The one training loop of all experiments: advance, evaluate, record, report, save.

Runs of several seeds can train side by side, as an ensemble whose tensors have a leading axis over seeds. A
graphics card needs that to be busy. The processor is no slower with one run after another, and one run fits
into its caches.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

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
    """An ensemble: runs of several seeds, each with its problem and network, that take each step together."""

    @abstractmethod
    def advance(self, steps: int) -> None:
        """Take ``steps`` training steps."""

    @abstractmethod
    def evaluate(self) -> dict[str, Tensor]:
        """Metrics on held-out samples, by the name of their variable; each of shape (seeds,)."""

    @abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """All that the calls of :meth:`advance` and :meth:`evaluate` change and later ones depend on."""

    def results(self) -> xr.Dataset:
        """What the runs leave besides their metrics, over seed and dimensions of its own; here nothing."""
        return xr.Dataset()


def evaluation_steps(steps: int, every: int) -> list[int]:
    """Steps at which a run is evaluated: 0, every ``every`` steps, and the last one."""
    return [*range(0, steps, every), steps]


def fit(
    seeds: Sequence[int],
    learner_of: Callable[[Sequence[int]], Learner],
    training: Training,
    variables: Variables,
    checkpoint: Checkpoint | None = None,
) -> xr.Dataset:
    """Train the runs of ``seeds`` and record their metrics: on a card side by side, else one after another.

    A run whose metrics stop being finite is recorded as diverged; once all runs of an ensemble have diverged
    it is not trained further.

    Parameters
    ----------
    checkpoint : where the block of runs goes on from, and is saved after evaluations; none, nowhere.

    Returns
    -------
    Dataset with each metric over (seed, step), NaN from divergence on, ``diverged_at_step`` and
    ``last_step`` (seed), and the results of each learner.
    """

    def fresh() -> _Block:
        return _Block(
            ensembles_of(seeds), lambda members: _Ensemble(learner_of(members), training, members, variables)
        )

    block = checkpoint.restored(fresh) if checkpoint else fresh()
    while not block.over:
        block.proceed()
        if checkpoint:
            checkpoint.offer(block)
    return xr.concat(block.histories, dim="seed")


def ensembles_of(seeds: Sequence[int]) -> list[Sequence[int]]:
    """The seeds that train side by side: on the processor each alone, on a card all."""
    return [[seed] for seed in seeds] if torch.get_default_device().type == "cpu" else [seeds]


class _Block:
    """Several ensembles, one after another; as text, the last evaluation."""

    def __init__(
        self, ensembles: Sequence[Sequence[int]], start: Callable[[Sequence[int]], "_Ensemble"]
    ) -> None:
        self.ensembles, self.start = ensembles, start
        self.histories: list[xr.Dataset] = []
        self.current: _Ensemble | None = None

    def __str__(self) -> str:
        if self.current:
            return str(self.current)
        seeds = sum(history.sizes["seed"] for history in self.histories)
        return f"{seeds} of {sum(map(len, self.ensembles))} seeds"

    @property
    def over(self) -> bool:
        """Whether all ensembles are."""
        return len(self.histories) == len(self.ensembles)

    def proceed(self) -> None:
        """Go on to the next evaluation."""
        self.current = self.current or self._next()
        self.current.proceed()
        if self.current.over:
            self.histories.append(self.current.history())
            self.current = None

    def state(self) -> dict[str, Any]:
        """The histories of the ensembles that are over, and the state of the one in progress, if any."""
        return {
            "histories": [_packed(history) for history in self.histories],
            "current": self.current.state() if self.current else None,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""
        self.histories = [_unpacked(history) for history in state["histories"]]
        if state["current"] is not None:
            self.current = self._next()
            self.current.load_state(state["current"])

    def _next(self) -> "_Ensemble":
        return self.start(self.ensembles[len(self.histories)])


class _Ensemble:
    """Runs in progress, with the metrics of their evaluations so far; as text, the last of them."""

    def __init__(
        self, learner: Learner, training: Training, seeds: Sequence[int], variables: Variables
    ) -> None:
        self.learner, self.seeds, self.variables = learner, seeds, variables
        self.schedule = evaluation_steps(training.steps, training.eval_every)
        # Small tensors that stay would split the memory that evaluations use, and the process would grow.
        shape = (len(seeds), len(self.schedule))
        self.records = {
            name: torch.full(shape, torch.nan, dtype=torch.float64, device="cpu") for name in variables
        }
        self.evaluations = 0
        self.diverged_at = torch.full((len(seeds),), torch.nan, dtype=torch.float64, device="cpu")
        self.progress = _Progress(0, training.steps)

    def __str__(self) -> str:
        return f"{self.name}, step {self.step} of {self.schedule[-1]}"

    @property
    def name(self) -> str:
        """The seed, or the first and the last."""
        first, last = self.seeds[0], self.seeds[-1]
        return f"seed {first}" if first == last else f"seeds {first} to {last}"

    @property
    def step(self) -> int:
        """The step of the last evaluation."""
        return self.schedule[self.evaluations - 1]

    @property
    def metrics(self) -> dict[str, Tensor]:
        """The metrics of the last evaluation, each of shape (seeds,), float64."""
        return {name: record[:, self.evaluations - 1] for name, record in self.records.items()}

    @property
    def over(self) -> bool:
        """Whether it has taken its last step, or all its runs have diverged."""
        return self.step == self.schedule[-1] or not self.diverged_at.isnan().any()

    def proceed(self) -> None:
        """Go on to the next evaluation."""
        if self.evaluations:
            self.learner.advance(self.schedule[self.evaluations] - self.step)
        metrics = self.learner.evaluate()
        for name, record in self.records.items():
            record[:, self.evaluations] = metrics[name]
        self.evaluations += 1
        self._note_diverged()
        if self.diverged_at.isnan().any():
            self.progress.report(self)

    def state(self) -> dict[str, Any]:
        """The metrics so far, and the state of the learner."""
        parts = self.learner.parts()
        return {
            "records": self.records,
            "evaluations": self.evaluations,
            "diverged_at": self.diverged_at,
            "learner": {name: state_of(part) for name, part in parts.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""
        self.records, self.evaluations = state["records"], state["evaluations"]
        self.diverged_at = state["diverged_at"]
        self.progress = _Progress(self.step, self.schedule[-1])
        for name, part in self.learner.parts().items():
            load_state(part, state["learner"][name])

    def history(self) -> xr.Dataset:
        """Metrics, how the runs ended, and the results of their learner."""
        last_steps = [self.schedule[-1]] * len(self.seeds)
        history = xr.Dataset(
            {
                **{
                    name: (("seed", "step"), self._record(name), dict(attributes))
                    for name, attributes in self.variables.items()
                },
                DIVERGED: ("seed", self.diverged_at.numpy(), DIVERGED_ATTRIBUTES),
                LAST_STEP: ("seed", last_steps, LAST_STEP_ATTRIBUTES),
            },
            coords={
                "seed": ("seed", self.seeds, SEED_ATTRIBUTES),
                "step": ("step", self.schedule, STEP_ATTRIBUTES),
            },
        )
        return history.merge(self.learner.results())

    def _record(self, name: str) -> np.ndarray:
        """All evaluations of one metric (seeds, evaluations), NaN from divergence on."""
        diverged = np.greater_equal.outer(self.schedule, self.diverged_at.numpy())
        return np.where(diverged.T, np.nan, self.records[name].numpy())

    def _note_diverged(self) -> None:
        metrics = self.metrics
        finite = torch.stack(list(metrics.values())).isfinite().all(0)
        for index in torch.nonzero(self.diverged_at.isnan() & ~finite).flatten().tolist():
            self.diverged_at[index] = self.step
            values = {name: metric[index].item() for name, metric in metrics.items()}
            log.warning("seed %d diverged: %s at step %d", self.seeds[index], values, self.step)


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

    def report(self, run: _Ensemble) -> None:
        now = time.monotonic()
        if now < self.next_report and run.step < self.last_step:
            return
        self.next_report = now + SECONDS_BETWEEN_REPORTS
        rate = (run.step - self.first_step) / max(now - self.started, 1e-9)
        left = f"{(self.last_step - run.step) / rate:.0f} s left" if rate else "starting"
        values = ", ".join(f"{name} {_mean(metric):.4f}" for name, metric in run.metrics.items())
        log.info(
            "%s, step %d of %d: %s; %.0f steps/s, %s",
            run.name,
            run.step,
            self.last_step,
            values,
            rate,
            left,
        )


def _mean(metric: Tensor) -> float:
    """Over the runs that have not diverged."""
    return metric[metric.isfinite()].mean().item()
