"""What a run costs, from the benchmark files that Snakemake writes beside every job."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import xarray as xr

VARIABLES = {
    "jobs": {"long_name": "number of jobs", "units": "1"},
    "core_seconds": {"long_name": "time for which the jobs held a core", "units": "s"},
    "longest_job": {"long_name": "time of the longest job", "units": "s"},
    "peak_memory": {"long_name": "largest resident memory of a job, 0 if never sampled", "units": "MiB"},
}


def table(benchmarks: Mapping[str, Iterable[str]]) -> xr.Dataset:
    """The cost of each rule.

    All jobs have one thread, so the time of a job is the time for which it holds a core. Snakemake samples
    processor time and memory at intervals of up to 30 s; the former is therefore not used.

    Parameters
    ----------
    benchmarks : the benchmark files of each rule, one for each of its jobs.

    Returns
    -------
    Dataset with ``VARIABLES`` (rule,).
    """
    rows = [_cost([_measured(Path(path)) for path in paths]) for paths in benchmarks.values()]
    return xr.Dataset(
        {name: ("rule", [row[name] for row in rows], attributes) for name, attributes in VARIABLES.items()},
        coords={"rule": ("rule", list(benchmarks), {"long_name": "rule of the workflow", "units": "1"})},
    )


def _cost(jobs: list[dict[str, float]]) -> dict[str, float]:
    return {
        "jobs": len(jobs),
        "core_seconds": sum(job["seconds"] for job in jobs),
        "longest_job": max(job["seconds"] for job in jobs),
        "peak_memory": max(job["memory"] for job in jobs),
    }


def _measured(path: Path) -> dict[str, float]:
    """Seconds and MiB of one job, of its last attempt if there are several."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows:
        raise ValueError(
            f"{path}: no measurement in this file. Make it with: rm -f {path} && snakemake --cores all {path}"
        )
    row = rows[-1]
    return {"seconds": float(row["s"]), "memory": 0.0 if row["max_rss"] == "NA" else float(row["max_rss"])}
