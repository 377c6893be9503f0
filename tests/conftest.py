import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self

import pytest
import torch
from filelock import FileLock

# A shell makes what it starts in the background ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

torch.set_num_threads(1)  # as jobs have; with another number sums are in another order, and the bits differ

ROOT = Path(__file__).resolve().parent.parent

FIGURES = [
    "parity",
    "parity_variants",
    "gradient_variance",
    "linear_periodic",
    "tuple_images",
    "tuples",
    "tuple_variants",
    "snr",
    "gaussian_tuples",
    "curves",
    "conditioning",
    "loss_surfaces",
    "allocation",
    "steps",
    "forward_only",
]

TINY = """
parity:
  training: {steps: 60, eval_every: 20, eval_samples: 50, batch_size: 16}
  seeds_per_job: 2
  sweeps:
    parity: {dim: [3, 5], seeds: 3}
    parity_subset_size: {dim: [5], fixed_subset_size: [1, 2], seeds: 2}
    parity_architecture: {dim: [5], seeds: 2}
    parity_encoding: {dim: [3], seeds: 2}
allocation:
  training: {steps: 40, eval_every: 20, n_inputs: 20, batch_size: 10}
  seeds_per_job: 2
  sweeps:
    allocation: {n_stocks: [3, 4], seeds: 2}
tuples:
  training:
    end_to_end: &tuples {steps: 4, eval_every: 2, batch_size: 5, eval_tuples: 10, fixed_tuples: 20}
    decomposition: {<<: *tuples, steps: 2}
    end_to_end_long: {<<: *tuples, steps: 6}
  sweeps:
    tuples: {tuple_length: [1, 2], seeds: 2}
    tuples_pairs: {seeds: 2}
    tuples_longer: {tuple_length: [3]}
    tuples_rasterisation: {tuple_length: [1], seeds: 1}
    tuples_training_set: {tuple_length: [1], seeds: 1}
    tuples_initial_scale: {tuple_length: [1], seeds: 1}
  seeds_per_job: 2
image_ceiling: {images: 1000}
gradient_variance:
  settings:
    dim: [2, 8, 9]
    architecture: [10d, 10d-10d]
    trained_dim: [3, 4]
    checkpoints: [0, 20]
    enumerable_dim: 3
    sampled_inputs: 50
    training: {steps: 60, eval_every: 20, eval_samples: 50, batch_size: 16}
  seeds: 2
  seeds_per_job: 1
linear_periodic: {surface_points: 5, dim: [2, 4], radius: [1.0, 2.0], joint_size: [2, 3], sampled_targets: 50}
gaussian_tuples: {tuple_length: [1, 2], dim: [3, 5], sampled_dim: [3], pairs: 3, tuples_per_pair: 20}
snr: {settings: {tuple_length: [1, 2, 3], blocks: 4, tuples_per_block: 20}, seeds: 2, seeds_per_job: 1}
estimator_noise: {n_stocks: [3, 4], n_inputs: 20, initialisations: 2}
loss_surfaces: {positions: 5, targets: 2, tuples: 10, tuples_shown: 2, n_points: 10}
lemmas: {dim: [3], tuple_length: [1, 2], functions: 5, seeds: 2, cosine: [0.3, 0.5], samples: 100}
conditioning: {n_points: [10, 20], training_curves: [10, 30], seeds: 2}
curve_steps:
  settings: {n_points: [10, 20], training_curves: 50, batch_size: 10, max_steps: 2000}
  seeds: 2
  seeds_per_job: 1
forward_only: {lipschitz: [1, 3], input_dim: 5, samples: 20, iterations: 20, seeds: 2}
steps:
  training:
    non_flat_approximation: {steps: 40, eval_every: 20, batch_size: 10}
    end_to_end: {steps: 40, eval_every: 20, batch_size: 10}
    multiclass: {steps: 40, eval_every: 20, batch_size: 10}
    forward_only: {steps: 20, eval_every: 20, batch_size: 10}
  seeds_per_job: 2
  sweeps:
    steps: {seeds: 2}
curves:
  training:
    linear: &tiny {steps: 40, eval_every: 20, snapshots: [20, 40], training_curves: 50, heldout_curves: 20}
    linear_sgd: *tiny
    linear_adagrad: *tiny
    convolutional: *tiny
    preconditioned: *tiny
    preconditioned_sgd: *tiny
    autoencoder: *tiny
  seeds_per_job: 2
  sweeps:
    curves: {seeds: 2}
    curves_text: {seeds: 2}
realisability: {exhaustive_dim: [1, 2, 3], sampled_dim: [6], sampled_targets: 2, sampled_inputs: 50}
"""


def pytest_xdist_auto_num_workers():
    """One more than there are cores: tests on SLURM mostly wait."""
    return len(os.sched_getaffinity(0)) + 1


@cache
def forks():
    """The process that runs Snakemake for the tests of this one, and ends with it."""
    command = [sys.executable, "-P", ROOT / "tests/forks.py"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Project:
    """A copy of this project in a folder of its own, to run and to break."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def copied_to(cls, folder: Path) -> Self:
        """A fresh copy of the files that git knows or would add."""
        listing = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listing.stdout.splitlines():
            if (ROOT / name).exists() and not name.startswith(("tests/", "docs/")):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        copy = cls(folder)
        copy.write("config/tiny.yaml", TINY)
        return copy

    def copied(self, folder: Path) -> Self:
        """A copy of this one as it is, with its results."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return type(self)(folder)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def snakemake(
        self, *arguments: str, config: str | None = "config/tiny.yaml"
    ) -> subprocess.CompletedProcess:
        overlay = ["--configfile", config] if config else []
        command = ["--cores", "2", *arguments, *overlay]
        with tempfile.NamedTemporaryFile("r") as output:
            run = {
                "folder": str(self.folder),
                "environment": os.environ | {"XDG_CACHE_HOME": str(self.folder / ".cache")},
                "output": output.name,
                "arguments": command,
            }
            print(json.dumps(run), file=forks().stdin, flush=True)
            status = int(forks().stdout.readline())
            return subprocess.CompletedProcess(command, status, output.read())

    def run(self, *targets: str, config: str | None = "config/tiny.yaml") -> str:
        done = self.snakemake(*(targets or ("all",)), config=config)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def planned(self, *arguments: str, config: str | None = "config/tiny.yaml") -> Counter:
        """Number of jobs by rule that a run would start."""
        done = self.snakemake("all", "--dry-run", *arguments, config=config)
        assert done.returncode == 0, done.stdout
        rows = re.findall(r"^(\w+) +(\d+)$", done.stdout, flags=re.MULTILINE)
        return Counter({rule: int(count) for rule, count in rows if rule not in ("all", "total")})


@contextmanager
def largest_file(size):
    """No file may grow beyond ``size`` bytes: writing more fails, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def mounted(folder, *options):
    """``folder`` with what ``options`` of mount put there; the test is skipped if that is not allowed."""
    folder.mkdir(exist_ok=True)
    mount = subprocess.run(["mount", *options, folder], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"nothing can be mounted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def project(tmp_path):
    return Project.copied_to(tmp_path)


def run_once(target, last, tmp_path_factory, worker_id):
    """A project, one for all workers, in which a run made ``target``; ``last`` is the file made last."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared if worker_id == "master" else shared.parent) / Path(target).stem
    with FileLock(f"{folder}.lock"):
        if not (folder / last).exists():
            Project.copied_to(folder).run(target)
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A project whose tiny run is finished, one for all workers. Tests only read it, or copy it first."""
    return run_once("all", "results/ro-crate-metadata.json", tmp_path_factory, worker_id)


@pytest.fixture
def finished_copy(finished, tmp_path):
    """A finished project that a test may break."""
    return finished.copied(tmp_path / "project")
