"""One SLURM for the tests of a worker, and a project that submits to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from conftest import ROOT, Project
from gradient_failures.results import dataset
from slurm.cluster import Cluster, wait_for

LONG = (
    (ROOT / "tests/tiny.yaml")
    .read_text()
    .replace("steps: 60, eval_every: 20", "steps: 50000, eval_every: 1000", 1)
)
"""The tiny configuration with runs of parity that last some seconds, time enough to interfere."""

RUN = "results/runs/parity/experiment/dim~5/seeds~2-2.nc"
LOG = "logs/compute_parity_experiment/dim~5/seeds~2-2.log"


class Submitter:
    """A project whose runs are SLURM jobs, by the profile that users have, asked more often how they are."""

    def __init__(self, project: Project, cluster: Cluster) -> None:
        self.project, self.cluster = project, cluster
        self.environment = cluster.environment | {"XDG_CACHE_HOME": str(project.folder / ".cache")}
        self.output = project.folder / "controller.log"
        self.controllers: list[subprocess.Popen] = []
        self.jobs_before = set(cluster.jobs())

    def start(self, *arguments: str, config: tuple[str, ...] = ("config/long.yaml",)) -> subprocess.Popen:
        """Start the controller: Snakemake, with arguments that begin with its targets."""
        profile = ["--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1"]
        with self.output.open("w") as output:
            controller = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *arguments, *profile, "--configfile", *config],
                cwd=self.project.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.controllers.append(controller)
        return controller

    def finish(self, controller: subprocess.Popen, seconds: float = 1800) -> str:
        """What the controller printed, once it has succeeded."""
        status = controller.wait(timeout=seconds)
        output = self.output.read_text()
        assert status == 0, output
        return output

    def run(self, *arguments: str, config: tuple[str, ...] = ("config/long.yaml",)) -> str:
        return self.finish(self.start(*arguments, config=config))

    def jobs(self) -> dict[str, str]:
        """State of the SLURM jobs of this project, by their ids, the oldest first."""
        return {job: state for job, state in self.cluster.jobs().items() if job not in self.jobs_before}

    def training(self) -> str:
        """The id of the SLURM job that has begun to train, once one has."""
        log = self.project.folder / LOG
        wait_for(lambda: log.exists() and "starting" in log.read_text(), 600, "a job trains")
        (job,) = self.cluster.running()
        return job

    def clean_up(self) -> None:
        for controller in self.controllers:
            if controller.poll() is None:
                os.killpg(controller.pid, signal.SIGKILL)
                controller.wait()
        for job in self.cluster.running():
            self.cluster.command("scancel", job)
        wait_for(lambda: not self.cluster.running(), 60, "the jobs of this test end")


def data_of(project: Project) -> xr.Dataset:
    """What the run found, without where it comes from."""
    return dataset.read(project.folder / RUN).drop_attrs(deep=False)


def copied_to(folder: Path) -> Project:
    project = Project.copied_to(folder)
    project.write("config/long.yaml", LONG)
    return project


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture
def submitter(cluster, tmp_path):
    submitter = Submitter(copied_to(tmp_path), cluster)
    yield submitter
    submitter.clean_up()


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """The data of the run without a cluster and without interference."""
    project = copied_to(tmp_path_factory.mktemp("expected"))
    project.run(RUN, config="config/long.yaml")
    return data_of(project)
