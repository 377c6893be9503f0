"""What a run costs, from the files that Snakemake writes beside the log of every job."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from gradient_failures.results.dataset import labelled

COLUMNS = {"seconds": "s", "cpu": "cpu_time", "memory": "max_rss"}
"""What is measured of a job, by the column of Snakemake's that says it."""

VARIABLES: dict[str, tuple[str, Callable[[list[float]], float], str, str]] = {
    "jobs": ("seconds", len, "number of jobs", "1"),
    "core_seconds": ("seconds", sum, "time for which the jobs held a core", "s"),
    "cpu_seconds": ("cpu", sum, "CPU time of the jobs when last sampled", "s"),
    "longest_job": ("seconds", max, "time of the longest job", "s"),
    "peak_memory": ("memory", max, "largest resident memory of a job, 0 if never sampled", "MiB"),
}
"""What each variable is of the jobs of a rule: measurement, how they are summed up, long name and units."""


def cost_dataset(jobs: Mapping[str, Iterable[str]]) -> xr.Dataset:
    """The cost of each rule.

    All jobs have one thread, so the time of a job is the time for which it holds a core. On a busy machine it
    is longer than the CPU time, which Snakemake samples, like memory, at intervals of up to 30 s: of jobs
    that take less it misses a large part.

    Parameters
    ----------
    jobs : the files of each rule, one for each of its jobs.

    Returns
    -------
    Dataset with ``VARIABLES`` (rule,).
    """
    rules = [[measured(Path(path)) for path in paths] for paths in jobs.values()]
    costs = labelled({}, {"rule": (list(jobs), "rule of the workflow")})
    for name, (part, summed, long_name, units) in VARIABLES.items():
        values = [summed([job[part] for job in of_rule]) for of_rule in rules]
        costs[name] = ("rule", values, {"long_name": long_name, "units": units})
    return costs


def measured(path: Path) -> dict[str, float]:
    """Seconds, CPU seconds and MiB of one job, of its last attempt if there are several."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows:
        raise ValueError(
            f"{path}: no measurement in this file. Make it with: rm -f {path} && snakemake --cores all {path}"
        )
    return {name: float(rows[-1][column].replace("NA", "0")) for name, column in COLUMNS.items()}


def by_rule(costs: xr.Dataset) -> dict[str, dict[str, Any]]:
    """The values of each rule by name of the variable."""
    found: dict[str, dict[str, Any]] = costs[list(VARIABLES)].to_dataframe().to_dict("index")
    return found


def cost_rows(costs: xr.Dataset, devices: Mapping[str, str]) -> list[list[str]]:
    """A row for each rule: its jobs, core time, CPU time, longest job, largest memory, and device.

    Parameters
    ----------
    devices : what the jobs of a rule ran on, where that was not the CPU.
    """
    return [
        [
            rule,
            str(cost["jobs"]),
            *(duration(cost[name]) for name in ("core_seconds", "cpu_seconds", "longest_job")),
            f"{cost['peak_memory']:.0f} MiB" if cost["peak_memory"] else "–",
            devices.get(rule, "cpu"),
        ]
        for rule, cost in by_rule(costs).items()
    ]


def totals(costs: xr.Dataset, computing: Sequence[str]) -> dict[str, Any]:
    """Jobs and core-seconds of all rules and of those ``computing``, and the seconds of the longest job."""
    part = costs.sel(rule=list(computing))
    return {
        "jobs": costs["jobs"].sum().item(),
        "core_seconds": costs["core_seconds"].sum().item(),
        "longest_job": costs["longest_job"].max().item(),
        "jobs_computing": part["jobs"].sum().item(),
        "core_seconds_computing": part["core_seconds"].sum().item(),
    }


def duration(seconds: float) -> str:
    """A time in the unit that suits it: "12 s", "3.4 min", "5.1 h"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
