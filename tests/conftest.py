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

import hypothesis
import pytest
import torch
from filelock import FileLock

# A shell makes what it starts in the background ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

torch.set_num_threads(1)  # as jobs have; with another number sums are in another order, and the bits differ

hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent


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
        shutil.copy2(ROOT / "tests/tiny.yaml", folder / "config/tiny.yaml")
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
