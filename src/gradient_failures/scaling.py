"""What a run costs, and how it fills its cores: ``python -m gradient_failures.scaling BENCHMARKS FOLDER``.

Draws ``FOLDER/scaling.png`` and ``FOLDER/schedule.png`` from the benchmark files of a full run, and prints
how long its jobs take on other numbers of cores.
"""

import argparse
import heapq
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gradient_failures import markdown, plotting
from gradient_failures.config.files import read_yaml
from gradient_failures.config.paper import PaperConfig, validated
from gradient_failures.costs import measured

CORES = (2, 4, 8, 16)
"""Numbers of cores that a schedule is told for."""

SHOWN = 8
"""Number of cores of the schedule that is drawn."""

SAMPLED_EVERY = 30
"""Seconds between two samples of the processor time of a long job, by Snakemake."""

COLORS = {
    "train_tuples": plotting.BLUE,
    "train_parity": plotting.ORANGE,
    "train_curves": plotting.GREEN,
    "train_steps": plotting.PURPLE,
    "train_allocation": plotting.SKY,
}
"""Colour of each rule that trains; those that measure are grey."""

LINES = {
    "input dimension d": {"parity": "train_parity/dim~{}"},
    "images in a tuple k": {
        "end to end": "train_tuples/approach~end_to_end+tuple_length~{}",
        "decomposition": "train_tuples/approach~decomposition+tuple_length~{}",
    },
    "stocks k, or points n of a curve": {
        "stocks, end to end": "train_allocation/approach~end_to_end+n_stocks~{}",
        "stocks, decomposition": "train_allocation/approach~decomposition+n_stocks~{}",
        "SGD on curves": "diagnose_curve_steps/n_points~{}",
    },
}
"""Names of the grid points that are drawn over each axis."""

SEEDS = {
    "tuples, k = 2": "train_tuples/approach~end_to_end+tuple_length~2",
    "curves, autoencoder": "train_curves/method~autoencoder",
    "parity, d = 30": "train_parity/dim~30",
    "2000 stocks": "train_allocation/approach~end_to_end+n_stocks~2000",
}
"""Grid points that are drawn over their number of seeds."""

LINE: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 1}


@dataclass(frozen=True)
class Job:
    """A job that trains or measures: its rule, its grid point, its seeds and what it took."""

    rule: str
    point: str
    seeds: range
    seconds: float
    """Seconds on a core of its own, about."""


def jobs_of(benchmarks: Path) -> list[Job]:
    """All jobs of a run that train or measure, in order of name; a ValueError if there are none."""
    files = [path for kind in ("train_", "diagnose_") for path in benchmarks.glob(f"{kind}*/**/*.tsv")]
    files += benchmarks.glob("diagnose_*.tsv")
    if not files:
        raise ValueError(f"{benchmarks}: no benchmark files here. Finish the run: snakemake --cores all all")
    return [_job(path, path.relative_to(benchmarks)) for path in sorted(files)]


def _job(path: Path, name: Path) -> Job:
    first, last = name.stem.removeprefix("seeds~").split("-") if "seeds~" in name.stem else (0, 0)
    point = name.parent.relative_to(name.parts[0]).as_posix() if name.parent.parts else ""
    cost = measured(path)
    known = cost["seconds"] > 4 * SAMPLED_EVERY
    seconds = cost["cpu"] + SAMPLED_EVERY / 2 if known else cost["seconds"]
    return Job(name.with_suffix("").parts[0], point, range(int(first), int(last) + 1), seconds)


def in_priority(jobs: Iterable[Job], paper: PaperConfig) -> list[Job]:
    """The jobs in the order in which the workflow starts them: most samples to train on first."""

    def samples(job: Job) -> int:
        experiment = paper.experiments().get(job.rule.removeprefix("train_"))
        return experiment.samples(job.point, len(job.seeds)) if experiment else 0

    return sorted(jobs, key=samples, reverse=True)


def scheduled(jobs: Iterable[Job], cores: int) -> list[tuple[int, float, Job]]:
    """Core and start, in seconds, of each job, where a core that is free takes the next of ``jobs``."""
    free = [(0.0, core) for core in range(cores)]
    plan = []
    for job in jobs:
        start, core = heapq.heappop(free)
        plan.append((core, start, job))
        heapq.heappush(free, (start + job.seconds, core))
    return plan


def makespan(plan: Iterable[tuple[int, float, Job]]) -> float:
    """Seconds from the start of the first job to the end of the last."""
    return max(start + job.seconds for _, start, job in plan)


def table(jobs: Sequence[Job], paper: PaperConfig, shuffles: int = 100) -> str:
    """How long the jobs take by number of cores, in Markdown: at best, in our order and in any order."""
    total, longest = sum(job.seconds for job in jobs), max(job.seconds for job in jobs)
    orders = [np.random.default_rng(seed).permutation(len(jobs)) for seed in range(shuffles)]
    rows = []
    for cores in CORES:
        ours = makespan(scheduled(in_priority(jobs, paper), cores))
        chance = [makespan(scheduled([jobs[at] for at in order], cores)) for order in orders]
        times = [max(total / cores, longest), ours, np.median(chance), max(chance)]
        best, planned, median, worst = (f"{seconds / 60:.0f} min" for seconds in times)
        rows.append([str(cores), best, planned, f"{total / cores / ours:.0%}", median, worst])
    headings = ["cores", "at best", "as the workflow orders them", "busy", "in any order: median", "worst"]
    return markdown.table(headings, rows)


def draw_costs(jobs: Sequence[Job]) -> Figure:
    """Seconds of a run against the size of its problem, and of a grid point against its seeds."""
    figure = Figure(figsize=(7.2, 4.4))
    dims, lengths, sizes, seeds = figure.subplots(2, 2).ravel()
    for axes, (label, lines) in zip((dims, lengths, sizes), LINES.items(), strict=True):
        for name, pattern in lines.items():
            axes.plot(*over_sizes(jobs, pattern), label=name, **LINE)
        axes.set(xlabel=label, ylabel="core-seconds of a run")
    for name, point in SEEDS.items():
        seeds.plot(*over_seeds(jobs, point), label=name, **LINE)
    seeds.set(xlabel="seeds", ylabel="core-seconds of a grid point")
    for axes in (sizes, seeds):
        axes.set(xscale="log", yscale="log")
    for axes in (dims, lengths):
        axes.set_ylim(bottom=0)
    for axes, place in ((dims, "lower right"), (lengths, "upper left"), (sizes, "upper left")):
        axes.legend(loc=place)
    seeds.set_ylim(bottom=3)
    seeds.legend(loc="lower left", ncols=2)
    return figure


def over_sizes(jobs: Iterable[Job], pattern: str) -> tuple[list[int], list[float]]:
    """Sizes, and seconds of one seed there in the block that was disturbed least."""
    start = pattern.removesuffix("{}")
    found: dict[int, list[float]] = {}
    for job in jobs:
        size = f"{job.rule}/{job.point}".removeprefix(start)
        if size.isdecimal():
            found.setdefault(int(size), []).append(job.seconds / len(job.seeds))
    return sorted(found), [min(found[size]) for size in sorted(found)]


def over_seeds(jobs: Iterable[Job], point: str) -> tuple[list[int], list[float]]:
    """Numbers of seeds at ``point``, and the seconds of all blocks up to there."""
    blocks = [job for job in jobs if f"{job.rule}/{job.point}" == point]
    blocks.sort(key=lambda job: job.seeds.start)
    return [job.seeds.stop for job in blocks], list(accumulate(job.seconds for job in blocks))


def draw_schedule(plan: Sequence[tuple[int, float, Job]]) -> Figure:
    """What each core does when."""
    figure = Figure(figsize=(7.2, 2.2))
    axes = figure.subplots()
    for core, start, job in plan:
        color = COLORS.get(job.rule, "0.6")
        axes.barh(core + 1, job.seconds / 60, left=start / 60, color=color, edgecolor="white", linewidth=0.3)
    for rule, color in COLORS.items():
        axes.barh(0, 0, color=color, label=rule.removeprefix("train_"))
    axes.barh(0, 0, color="0.6", label="diagnostics")
    axes.set(xlabel="minutes", ylabel="core", ylim=(0.4, SHOWN + 0.6), yticks=range(1, SHOWN + 1))
    figure.legend(loc="outside upper center", ncols=len(COLORS) + 1)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures and print the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gradient_failures.scaling", description=__doc__)
    parser.add_argument("benchmarks", type=Path, help="benchmark files of a full run")
    parser.add_argument("folder", type=Path, help="where the figures go")
    parser.add_argument("--config", default="config/config.yaml", help="configuration of that run")
    options = parser.parse_args(arguments)
    jobs, paper = jobs_of(options.benchmarks), validated(read_yaml(options.config))
    with plotting.style():
        for name, figure in {
            "scaling": draw_costs(jobs),
            "schedule": draw_schedule(scheduled(in_priority(jobs, paper), SHOWN)),
        }.items():
            figure.savefig(options.folder / f"{name}.png", dpi=plotting.RESOLUTION[".png"])
    print(table(jobs, paper))
    return 0


if __name__ == "__main__":
    sys.exit(main())
