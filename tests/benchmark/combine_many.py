"""Time and memory of combining many small files: ``python tests/benchmark/combine_many.py FOLDER [FILES]``.

Trains one tiny run, writes it at FILES / 100 grid points of 100 seeds each, and combines all files.
"""

import gc
import resource
import sys
import time
from pathlib import Path

import yaml

from gradient_failures.config.grids import Computation, ComputationConfig
from gradient_failures.problems.parity import experiment
from gradient_failures.problems.parity.settings import ParitySettings
from gradient_failures.results import dataset
from gradient_failures.results.combine import combine

SEEDS = 100
SETTINGS = {"steps": 2500, "eval_every": 100, "eval_samples": 100, "batch_size": 16, "learning_rate": 0.01}
ORIGIN = {
    "code_hash": "",
    "lock_hash": "",
    "device": "cpu",
    "git_commit": "",
    "git_dirty": 0,
    "wall_seconds": 1.0,
}


def sweep(dims):
    grids = {"parity": {"dim": dims, "seeds": SEEDS}}
    config = ComputationConfig(settings=SETTINGS, grids=grids, seeds_per_job=1)
    return Computation("parity", "experiment", ParitySettings, config)


def write(folder, runs):
    trained = experiment.run(ParitySettings(dim=5, **SETTINGS), [0])
    for run in runs:
        settings = run.point.settings
        result = trained.assign_coords(seed=("seed", list(run.seeds), trained["seed"].attrs))
        attributes = {**ORIGIN, "config": yaml.safe_dump({"settings": settings.model_dump()})}
        dataset.write(dataset.located(result, settings), folder / f"{run.path}.nc", attributes)


def main(folder, files=10_000):
    dims = list(range(1, int(files) // SEEDS + 1))
    computation = sweep(dims)
    runs, points = computation.runs("parity"), computation.points["parity"]
    write(Path(folder), runs)
    gc.disable()
    started, used = time.perf_counter(), time.process_time()
    results = {path: dataset.read(path) for path in (f"{folder}/{run.path}.nc" for run in runs)}
    settings = {point.name: point.settings.model_dump() for point in points}
    combined = combine(results, {"dim": dims}, settings, SEEDS)
    dataset.write(combined, Path(folder) / "combined.nc", combined.attrs)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(runs)} files: {seconds:.0f} s, {cpu:.0f} s of CPU time, {memory:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
