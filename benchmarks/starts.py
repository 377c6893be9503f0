"""What a run costs besides training: Snakemake, and the start and end of each job, imports included."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from timeit import timeit

JOBS = 4
"""How many jobs more the longer run has."""


def seconds_to_start(config: str, rounds: int) -> dict[str, float]:
    """Seconds of Snakemake before the first job and after the last one, ``run``, and for each ``job``.

    They follow from runs of one and of ``1 + JOBS`` training jobs, of one step each, one after another on one
    core. The current folder must be the project's; nothing stays there.
    """
    times = [(_seconds(config, jobs=1), _seconds(config, jobs=1 + JOBS)) for _ in range(rounds)]
    job = median((many - one) / JOBS for one, many in times)
    return {"run": median(one for one, _ in times) - job, "job": job}


def _seconds(config: str, jobs: int) -> float:
    """Those of a run of its own, whatever else runs here: it leaves and heeds no locks and no records."""
    one_step = {"settings": {"steps": 1, "eval_every": 1}, "seeds_per_job": 1}
    Path("results").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="results") as folder:
        overlay = {
            "parity": {"experiment": {**one_step, "grids": {"parity": {"dim": [5], "seeds": jobs}}}},
            "pathvars": {name: f"{folder}/{name}" for name in ("results", "logs")},
        }
        alone = ["--cores", "1", "--nolock", "--drop-metadata", "--quiet", "all", "--configfile", config]
        changes = [f"{key}={json.dumps(value)}" for key, value in overlay.items()]
        runs = f"{folder}/results/runs/parity/experiment/dim~5"
        targets = [f"{runs}/seeds~{seed}-{seed}.nc" for seed in range(jobs)]
        command = [sys.executable, "-m", "snakemake", *alone, "--config", *changes, "--", *targets]
        return timeit(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), number=1)
