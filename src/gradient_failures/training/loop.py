"""The one training loop of all experiments: advance, evaluate, record, report, save.

Runs of several seeds can train side by side, as an ensemble whose tensors have a leading axis over seeds. A
GPU needs that to be busy. The CPU is no slower with one run after another, and one run fits into its caches.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.config.base import TrainingSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.results.runs import DIVERGED, LAST_STEP
from gradient_failures.training.checkpoint import Checkpoint, State, set_values, values_of
from gradient_failures.training.progress import Progress


class Learner(ABC):
    """An ensemble: runs of several seeds, each with its problem and network, that take each step together."""

    @abstractmethod
    def advance(self, steps: int) -> None:
        """Take ``steps`` training steps."""

    @abstractmethod
    def evaluate(self) -> dict[str, Tensor]:
        """Metrics on held-out samples, by the name of their variable; each of shape (seeds,)."""

    @abstractmethod
    def state(self) -> Mapping[str, State]:
        """All that the calls of :meth:`advance` and :meth:`evaluate` change and later ones depend on."""

    def results(self) -> xr.Dataset:
        """What the runs leave besides their metrics, over seed and dimensions of its own; here nothing."""
        return xr.Dataset()


def evaluation_steps(steps: int, every: int) -> list[int]:
    """Steps at which a run is evaluated: 0, every ``every`` steps, and the last one."""
    return [*range(0, steps, every), steps]


def ensemble_size(seeds: Sequence[int]) -> int:
    """How many of ``seeds`` train side by side: on the CPU one, on a GPU all."""
    return 1 if torch.get_default_device().type == "cpu" else len(seeds)


def fit(
    seeds: Sequence[int],
    learner_of: Callable[[Sequence[int]], Learner],
    settings: TrainingSettings,
    long_names: Mapping[str, str],
    checkpoint: Checkpoint | None = None,
) -> xr.Dataset:
    """Train the runs of ``seeds`` and record their metrics: on a GPU side by side, else one after another.

    A run whose metrics stop being finite is recorded as diverged; once all runs of an ensemble have diverged
    it is not trained further.

    Parameters
    ----------
    long_names : of the metrics, by name; all are without units.
    checkpoint : where the block of runs goes on from, and is saved after evaluations; none, nowhere.

    Returns
    -------
    Dataset with each metric over (seed, step), NaN from divergence on, ``diverged_at_step`` and
    ``last_step`` (seed), and the results of each learner.
    """
    fresh = partial(_Block, seeds, learner_of, settings, long_names)
    block = checkpoint.restored(fresh) if checkpoint else fresh()
    while not block.over:
        block.proceed()
        if checkpoint:
            checkpoint.offer(block)
    return block.dataset()


class _Block:
    """The runs of a job, ensemble by ensemble, with the metrics of their evaluations so far."""

    def __init__(
        self,
        seeds: Sequence[int],
        learner_of: Callable[[Sequence[int]], Learner],
        settings: TrainingSettings,
        long_names: Mapping[str, str],
    ) -> None:
        self.seeds, self.learner_of, self.long_names = list(seeds), learner_of, long_names
        self.size = ensemble_size(seeds)
        self.schedule = evaluation_steps(settings.steps, settings.eval_every)
        # Small tensors that stay would split the memory that evaluations use, and the process would grow.
        self.records = {name: _missing(len(seeds), len(self.schedule)) for name in long_names}
        self.diverged_at = _missing(len(seeds))
        self.results: list[xr.Dataset] = []
        self.learner: Learner | None = None
        self.evaluations = 0

    def __str__(self) -> str:
        """The last evaluation."""
        if self.learner is None:
            return f"{len(self.results) * self.size} of {len(self.seeds)} seeds"
        return f"{self.progress}, step {self.step} of {self.schedule[-1]}"

    @property
    def over(self) -> bool:
        """Whether all ensembles are."""
        return len(self.results) * self.size == len(self.seeds)

    @property
    def members(self) -> slice:
        """The runs of the ensemble in turn, among those of all seeds."""
        first = len(self.results) * self.size
        return slice(first, first + self.size)

    @property
    def step(self) -> int:
        """The step of the last evaluation of the ensemble in turn; 0 before the first."""
        return self.schedule[max(0, self.evaluations - 1)]

    def proceed(self) -> None:
        """Go on to the next evaluation; an ensemble ends at its last step, or once all of it has diverged."""
        learner = self.learner or self._begin()
        if self.evaluations:
            learner.advance(self.schedule[self.evaluations] - self.step)
        self._record(learner.evaluate())
        if self.step == self.schedule[-1] or not self.diverged_at[self.members].isnan().any():
            self.results.append(learner.results())
            self.learner, self.evaluations = None, 0

    def saved(self) -> dict[str, Any]:
        """Metrics and results so far, and the state of the ensemble in turn, if it has begun."""
        return {
            "records": self.records,
            "diverged_at": self.diverged_at,
            "results": [_packed(results) for results in self.results],
            "evaluations": self.evaluations,
            "learner": values_of(self.learner.state()) if self.learner else None,
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Continue from what :meth:`saved` gave."""
        self.records, self.diverged_at = saved["records"], saved["diverged_at"]
        self.results = [_unpacked(results) for results in saved["results"]]
        self.evaluations = saved["evaluations"]
        if saved["learner"] is not None:
            set_values(self._begin().state(), saved["learner"])

    def dataset(self) -> xr.Dataset:
        """Metrics, how the runs ended, and the results of their learners."""
        diverged = np.greater_equal.outer(self.schedule, self.diverged_at.numpy()).T
        last = [self.schedule[-1]] * len(self.seeds)
        metrics = {
            name: (("seed", "step"), np.where(diverged, np.nan, self.records[name].numpy()), text)
            for name, text in self.long_names.items()
        }
        ends = {
            DIVERGED: (
                "seed",
                self.diverged_at.numpy(),
                "step of the first non-finite evaluation, NaN if none",
            ),
            LAST_STEP: ("seed", last, "step at which the run ends"),
        }
        axes = {"seed": (self.seeds, "seed of the run"), "step": (self.schedule, "training steps")}
        results = xr.concat(self.results, dim="seed", data_vars="minimal")
        return labelled({**metrics, **ends}, axes).merge(results)

    def _begin(self) -> Learner:
        seeds = self.seeds[self.members]
        self.learner = self.learner_of(seeds)
        self.progress = Progress(seeds, self.step, self.schedule[-1])
        return self.learner

    def _record(self, metrics: Mapping[str, Tensor]) -> None:
        """Keep the ``metrics`` (seeds,) of an evaluation, and note which runs have diverged."""
        for name, record in self.records.items():
            record[self.members, self.evaluations] = metrics[name]
        kept = {name: record[self.members, self.evaluations] for name, record in self.records.items()}
        self.evaluations += 1
        finite = torch.stack(list(kept.values())).isfinite().all(0)
        diverged_at = self.diverged_at[self.members]
        for index in torch.nonzero(diverged_at.isnan() & ~finite).flatten().tolist():
            diverged_at[index] = self.step
            self.progress.diverged(index, self.step, kept)
        self.progress.report(self.step, kept)


def _missing(*shape: int) -> Tensor:
    return torch.full(shape, torch.nan, dtype=torch.float64, device="cpu")


def _packed(results: xr.Dataset) -> dict[str, Any]:
    """Dimensions, values and attributes of each variable, as a checkpoint takes them."""
    return {
        str(name): (variable.dims, torch.tensor(variable.values, device="cpu"), variable.attrs)
        for name, variable in results.variables.items()
    }


def _unpacked(packed: Mapping[str, Any]) -> xr.Dataset:
    """The results that :func:`_packed` was given."""
    return xr.Dataset(
        {name: (dims, values.numpy(), attributes) for name, (dims, values, attributes) in packed.items()}
    )
