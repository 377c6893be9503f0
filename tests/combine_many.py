"""Time and memory of combining many small files: ``python tests/combine_many.py FOLDER [FILES]``.

Trains one tiny run, writes it at FILES / 100 grid points of 100 seeds each, and combines all files.
"""

import gc
import resource
import sys
import time
from pathlib import Path

import yaml

from gradient_failures import dataset
from gradient_failures.combine import combine
from gradient_failures.config.parity import ParityPoint, ParityTraining
from gradient_failures.experiments import parity

SEEDS = 100
TRAINING = ParityTraining(steps=2500, eval_every=100, eval_samples=100, batch_size=16, learning_rate=0.01)
ORIGIN = {
    "code_hash": "",
    "lock_hash": "",
    "device": "cpu",
    "git_commit": "",
    "git_dirty": 0,
    "wall_seconds": 1.0,
}


def write(folder, dims):
    run = parity.train(ParityPoint(dim=5), TRAINING, [0])
    paths = [folder / f"dim~{dim}/seeds~{seed}-{seed}.nc" for dim in dims for seed in range(SEEDS)]
    for path in paths:
        config = {"point": path.parent.name, "training": TRAINING.model_dump()}
        seed = int(path.stem.rsplit("-", 1)[1])
        at_seed = run.assign_coords(seed=("seed", [seed], run["seed"].attrs))
        dataset.write(at_seed, path, {**ORIGIN, "config": yaml.safe_dump(config)})
    return paths


def main(folder, files=10_000):
    dims = list(range(1, int(files) // SEEDS + 1))
    paths = write(Path(folder), dims)
    gc.disable()
    started, used = time.perf_counter(), time.process_time()
    combined = combine(
        {str(path): dataset.read(path) for path in paths}, {"dim": dims}, TRAINING.model_dump()
    )
    dataset.write(combined, Path(folder) / "combined.nc", combined.attrs)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(paths)} files: {seconds:.0f} s, {processor:.0f} s of the processor, {memory:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
