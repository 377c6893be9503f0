"""What a run costs, and how it fills its cores: ``python -m benchmarks.scaling LOGS FOLDER``.

Draws ``FOLDER/scaling.png`` and ``FOLDER/schedule.png`` from the costs that stand beside the logs of a full
run, and prints how long its jobs take on other numbers of cores.
"""

import argparse
import heapq
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.cases import main_points
from gradient_failures.config.base import long_name
from gradient_failures.config.grids import Computation, Run
from gradient_failures.config.paper import Paper, validated
from gradient_failures.config.yaml import read_yaml
from gradient_failures.report import markdown
from gradient_failures.report.costs import measured
from gradient_failures.results import plotting

CORES = (2, 4, 8, 16)
"""Numbers of cores that a schedule is told for."""

SHOWN = 8
"""Number of cores of the schedule that is drawn."""

SAMPLED_EVERY = 30
"""Seconds between two samples of the CPU time of a long job, by Snakemake."""

COLORS = (plotting.ORANGE, plotting.BLUE, plotting.SKY, plotting.GREEN, plotting.PURPLE, plotting.BLACK)
APPROACHES = {"end to end": plotting.VERMILION, "decomposition": plotting.BLUE}
MEASUREMENTS = "0.6"
STYLE: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 1}

Line = dict[Any, float]
"""Seconds by size or number of seeds."""


@dataclass(frozen=True)
class Job:
    """A job that computes, and what it took: seconds on a core of its own, about."""

    rule: str
    run: Run
    seconds: float

    @property
    def priority(self) -> int:
        """The samples that it trains on."""
        return self.run.point.settings.priority * len(self.run.seeds)


Plan = Sequence[tuple[int, float, Job]]
"""Core and start, in seconds, of each job."""


def jobs_of(logs: Path, paper: Paper) -> list[Job]:
    """All jobs of a run that compute; a ValueError if the costs of one are missing."""
    runs = [
        (logs / computation.rule / f"{path}.tsv", computation.rule, run)
        for computation in paper.computations
        for path, run in computation.all_runs.items()
    ]
    missing = [path for path, _, _ in runs if not path.exists()]
    if missing:
        raise ValueError(f"{missing[0]}: no such file. Finish the run: snakemake --cores all all")
    return [Job(rule, run, seconds_on_a_core(path)) for path, rule, run in runs]


def seconds_on_a_core(path: Path) -> float:
    """Seconds of a job; of a long one those of the CPU, whatever else the machine did."""
    cost = measured(path)
    return cost["cpu"] + SAMPLED_EVERY / 2 if cost["seconds"] > 4 * SAMPLED_EVERY else cost["seconds"]


def in_priority(jobs: Iterable[Job]) -> list[Job]:
    """The jobs in the order in which the workflow starts them: most samples to train on first."""
    return sorted(jobs, key=lambda job: job.priority, reverse=True)


def scheduled(jobs: Iterable[Job], cores: int) -> Plan:
    """The plan in which a core that is free takes the next of ``jobs``."""
    free = [(0.0, core) for core in range(cores)]
    plan = []
    for job in jobs:
        start, core = heapq.heappop(free)
        plan.append((core, start, job))
        heapq.heappush(free, (start + job.seconds, core))
    return plan


def makespan(plan: Plan) -> float:
    """Seconds from the start of the first job to the end of the last."""
    return max(start + job.seconds for _, start, job in plan)


def table(jobs: Sequence[Job], shuffles: int = 100) -> str:
    """How long the jobs take by number of cores, in Markdown: at best, in our order and in any order."""
    total, longest = sum(job.seconds for job in jobs), max(job.seconds for job in jobs)
    orders = [np.random.default_rng(seed).permutation(len(jobs)) for seed in range(shuffles)]
    rows = []
    for cores in CORES:
        ours = makespan(scheduled(in_priority(jobs), cores))
        chance = [makespan(scheduled([jobs[at] for at in order], cores)) for order in orders]
        times = [max(total / cores, longest), ours, np.median(chance), max(chance)]
        best, planned, median, worst = (f"{seconds / 60:.0f} min" for seconds in times)
        rows.append([str(cores), best, planned, f"{total / cores / ours:.0%}", median, worst])
    headings = ["cores", "at best", "as the workflow orders them", "busy", "in any order: median", "worst"]
    return markdown.table(headings, rows)


def over_sizes(jobs: Sequence[Job], computation: Computation, axis: str) -> dict[str, Line]:
    """Seconds of a seed, in the block disturbed least, by ``axis``; a line for each choice of the others."""
    main = {point.name: point.axes for point in main_points(computation)}
    lines: dict[str, Line] = defaultdict(dict)
    for job in jobs:
        if job.rule == computation.rule and job.run.point.name in main:
            others = dict(main[job.run.point.name])
            size = others.pop(axis)
            line = lines[", ".join(map(str, others.values())).replace("_", " ")]
            line[size] = min(job.seconds / len(job.run.seeds), line.get(size, math.inf))
    return {name: dict(sorted(line.items())) for name, line in lines.items()}


def over_seeds(jobs: Sequence[Job], rule: str) -> Line:
    """Seconds of all blocks up to each number of seeds, at the dearest of the points with most seeds."""
    lines: dict[str, Line] = defaultdict(dict)
    for job in sorted((job for job in jobs if job.rule == rule), key=lambda job: job.run.seeds):
        line = lines[job.run.point.name]
        line[job.run.seeds[-1] + 1] = job.seconds + sum(list(line.values())[-1:])
    return max(lines.values(), key=lambda line: max(line.items()))


def called(rule: str) -> str:
    """The name of a rule in figures: ``tuples``, ``curves sgd steps``."""
    return rule.removeprefix("compute_").removesuffix("_experiment").replace("_", " ")


def colors(paper: Paper) -> dict[str, str]:
    """The colour of each rule that trains; those that measure are grey."""
    rules = (training.rule for training in paper.computations if training.trains)
    return dict(zip(rules, cycle(COLORS), strict=False))


def draw_costs(jobs: Sequence[Job], paper: Paper) -> Figure:
    """Seconds of a run over each axis of numbers, and of a grid point over its seeds."""
    sizes = [
        (computation, axis)
        for computation in paper.computations
        for axis, value in main_points(computation)[0].axes.items()
        if isinstance(value, int | float)
    ]
    rows = len(sizes) // 2 + 1
    figure = Figure(figsize=(7.2, 2.2 * rows))
    *panels, seeds = figure.subplots(rows, 2, squeeze=False).ravel()[: len(sizes) + 1]
    for axes, (computation, axis) in zip(panels, sizes, strict=True):
        for name, line in over_sizes(jobs, computation, axis).items():
            color = APPROACHES.get(name, plotting.BLACK)
            axes.plot(
                line.keys(), line.values(), color=color, label=name or called(computation.rule), **STYLE
            )
        first, *_ = points = main_points(computation)
        wide = max(point.axes[axis] for point in points) > 10 * first.axes[axis]
        scales = {"xscale": "log", "yscale": "log"} if wide else {"ylim": (0, None)}
        axes.set(xlabel=long_name(first.settings, axis), ylabel="core-seconds of a run", **scales)
    for rule, color in colors(paper).items():
        line = over_seeds(jobs, rule)
        seeds.plot(line.keys(), line.values(), color=color, label=called(rule), **STYLE)
    seeds.set(xlabel="seeds", ylabel="core-seconds of a grid point", xscale="log", yscale="log")
    for axes in figure.axes:
        axes.legend() if axes.lines else axes.set_axis_off()
    return figure


def draw_schedule(plan: Plan, paper: Paper) -> Figure:
    """What each core does when."""
    figure = Figure(figsize=(7.2, 2.2))
    axes, training = figure.subplots(), colors(paper)
    for core, start, job in plan:
        color = training.get(job.rule, MEASUREMENTS)
        axes.barh(core + 1, job.seconds / 60, left=start / 60, color=color, edgecolor="white", linewidth=0.3)
    for rule, color in {**training, "measurements": MEASUREMENTS}.items():
        axes.barh(0, 0, color=color, label=called(rule))
    axes.set(xlabel="minutes", ylabel="core", ylim=(0.4, SHOWN + 0.6), yticks=range(1, SHOWN + 1))
    figure.legend(loc="outside upper center", ncols=len(training) + 1)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures and print the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("logs", type=Path, help="logs of a full run, with the costs of its jobs")
    parser.add_argument("folder", type=Path, help="where the figures go")
    parser.add_argument("--config", default="config/config.yaml", help="configuration of that run")
    options = parser.parse_args(arguments)
    paper = validated(read_yaml(options.config))
    jobs = jobs_of(options.logs, paper)
    with plotting.style():
        for name, figure in {
            "scaling": draw_costs(jobs, paper),
            "schedule": draw_schedule(scheduled(in_priority(jobs), SHOWN), paper),
        }.items():
            figure.savefig(options.folder / f"{name}.png", dpi=plotting.RESOLUTION[".png"])
    print(table(jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
