"""What a run costs, from the benchmark files that Snakemake writes beside every job."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import xarray as xr

VARIABLES = {
    "jobs": {"long_name": "number of jobs", "units": "1"},
    "core_seconds": {"long_name": "time for which the jobs held a core", "units": "s"},
    "cpu_seconds": {"long_name": "processor time of the jobs when last sampled", "units": "s"},
    "longest_job": {"long_name": "time of the longest job", "units": "s"},
    "peak_memory": {"long_name": "largest resident memory of a job, 0 if never sampled", "units": "MiB"},
}


def table(benchmarks: Mapping[str, Iterable[str]]) -> xr.Dataset:
    """The cost of each rule.

    All jobs have one thread, so the time of a job is the time for which it holds a core. On a busy machine it
    is longer than the processor time, which Snakemake samples, like memory, at intervals of up to 30 s: of
    jobs that take less it misses a large part.

    Parameters
    ----------
    benchmarks : the benchmark files of each rule, one for each of its jobs.

    Returns
    -------
    Dataset with ``VARIABLES`` (rule,).
    """
    rows = [_cost([measured(Path(path)) for path in paths]) for paths in benchmarks.values()]
    return xr.Dataset(
        {name: ("rule", [row[name] for row in rows], attributes) for name, attributes in VARIABLES.items()},
        coords={"rule": ("rule", list(benchmarks), {"long_name": "rule of the workflow", "units": "1"})},
    )


def _cost(jobs: list[dict[str, float]]) -> dict[str, float]:
    return {
        "jobs": len(jobs),
        "core_seconds": sum(job["seconds"] for job in jobs),
        "cpu_seconds": sum(job["cpu"] for job in jobs),
        "longest_job": max(job["seconds"] for job in jobs),
        "peak_memory": max(job["memory"] for job in jobs),
    }


def measured(path: Path) -> dict[str, float]:
    """Seconds, processor seconds and MiB of one job, of its last attempt if there are several."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows:
        raise ValueError(
            f"{path}: no measurement in this file. Make it with: rm -f {path} && snakemake --cores all {path}"
        )
    columns = {"seconds": "s", "cpu": "cpu_time", "memory": "max_rss"}
    return {name: float(rows[-1][column].replace("NA", "0")) for name, column in columns.items()}
