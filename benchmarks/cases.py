"""What is timed: the training runs of the configuration, each in a process of its own."""

import argparse
import importlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.plain import Plain
from gradient_failures.config.base import TrainingSettings
from gradient_failures.config.grids import Computation, Point
from gradient_failures.config.paper import validated
from gradient_failures.config.yaml import read_yaml
from gradient_failures.training.loop import Learner

FREED_MEMORY_IS_KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
"""As in the jobs of a run, see ``workflow/rules/common.smk``."""


@dataclass(frozen=True)
class Case:
    """A grid point of a computation that trains."""

    problem: str
    computation: str
    point: str
    settings: TrainingSettings
    seeds_per_job: int

    def learner(self, seeds: Sequence[int]) -> Learner:
        """Runs of ``seeds``, not trained yet, by the one learner of the computation's module."""
        module = importlib.import_module(f"gradient_failures.problems.{self.problem}.{self.computation}")
        classes: list[Any] = [value for value in vars(module).values() if isinstance(value, type)]
        own = [kind for kind in classes if issubclass(kind, Learner) and kind.__module__ == module.__name__]
        (learner,) = own
        made: Learner = learner(self.settings, seeds)
        return made

    def plain(self) -> Plain | None:
        """The plain loop of the same size; None if the problem has none."""
        module = f"benchmarks.plain.{self.problem}"
        return importlib.import_module(module).plain(self.settings) if find_spec(module) else None


def cases(config: str) -> list[Case]:
    """The main points of every computation that trains, in the configuration in a file."""
    return [
        Case(training.problem, training.name, point.name, point.settings, training.config.seeds_per_job)
        for training in validated(read_yaml(config)).computations
        for point in main_points(training)
        if isinstance(point.settings, TrainingSettings)
    ]


def main_points(computation: Computation) -> list[Point]:
    """The points of the first grid, and of the others over the same axes; variants have axes besides."""
    grids = computation.config.grids
    axes = set(next(iter(grids.values())).axes)
    main = [name for name, grid in grids.items() if set(grid.axes) == axes]
    return list({point.name: point for name in main for point in computation.points[name]}.values())


def options(module: str, description: str | None) -> argparse.ArgumentParser:
    """What every command takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("folder", type=Path, help="where the results go")
    parser.add_argument("--config", default="config/config.yaml", help="sizes to measure at")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of one measurement, about")
    return parser


def fresh_process() -> ProcessPoolExecutor:
    """A process for each task, so that neither its memory nor its caches are another's."""
    os.environ.update(FREED_MEMORY_IS_KEPT)
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1)
