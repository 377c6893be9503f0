"""What a run costs besides training: Snakemake, and the start and end of each job, imports included."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

JOBS = 4
"""How many jobs more the longer run has."""

SCRATCH = Path("results")


def seconds_to_start(config: str, rounds: int) -> dict[str, float]:
    """Time runs of one and of ``1 + JOBS`` training jobs, of one step each, one after another on one core.

    Parameters
    ----------
    config : file of the configuration. The current folder must be the project's; nothing stays there.

    Returns
    -------
    Seconds of Snakemake before the first job and after the last one, ``run``, and for each ``job``, medians
    of ``rounds``.
    """
    times = [(_seconds(config, jobs=1), _seconds(config, jobs=1 + JOBS)) for _ in range(rounds)]
    job = statistics.median((many - one) / JOBS for one, many in times)
    return {"run": statistics.median(one for one, _ in times) - job, "job": job}


def _seconds(config: str, jobs: int) -> float:
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        command = _command(Path(folder), config, range(jobs))
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


def _command(folder: Path, config: str, seeds: Sequence[int]) -> list[str]:
    """A run of its own, whatever else runs in this project: it leaves and heeds no locks and no records."""
    parity = {
        "training": {"steps": 1, "eval_every": 1},
        "seeds_per_job": 1,
        "sweeps": {"parity": {"dim": [5], "seeds": len(seeds)}},
    }
    pathvars = {name: str(folder / name) for name in ("results", "logs", "benchmarks")}
    overlay = [f"parity={json.dumps(parity)}", f"pathvars={json.dumps(pathvars)}"]
    alone = ["--nolock", "--drop-metadata", "--quiet", "all"]
    options = ["--cores", "1", *alone, "--configfile", config, "--config", *overlay]
    targets = [f"{folder}/results/runs/parity/dim~5/seeds~{seed}-{seed}.nc" for seed in seeds]
    return [sys.executable, "-m", "snakemake", *options, "--", *targets]
