"""A sweep of 200 SLURM jobs that is struck three times. It takes many minutes: ``pytest -m sweep``."""

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
import xarray as xr

from conftest import Project
from gradient_failures.results import dataset
from slurm.cluster import RECOVERY, missing, wait_for

pytestmark = [pytest.mark.sweep, pytest.mark.skipif(bool(missing()), reason=missing())]

SWEEP = """
parity:
  experiment:
    settings: {{steps: 5000, eval_every: 1000, eval_samples: 100}}
    seeds_per_job: {seeds_per_job}
    grids:
      parity: {{dim: [3, 5, 8, 12], seeds: 50}}
"""
METRICS = "results/metrics/parity.nc"
CONFIG = ("config/sweep.yaml",)
JOBS = 200


def with_blocks_of(seeds_per_job, project):
    project.write(CONFIG[0], SWEEP.format(seeds_per_job=seeds_per_job))
    return project


class Strikes:
    """What strikes the sweep, each time a random job or the controller, at a random moment."""

    def __init__(self, submitter, rng):
        self.submitter, self.rng = submitter, rng
        self.controller = self.start()

    def start(self):
        return self.submitter.start(METRICS, "--group-components", "parity=1", config=CONFIG)

    def finished(self):
        return len(list((self.submitter.project.folder / "results/runs/parity/experiment").glob("*/*.nc")))

    def training(self):
        """Processes that train for this project."""
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if (command := _read(path))
            and str(self.submitter.project.folder) in command
            and "compute.py" in command
        ]

    def kill_training(self):
        processes = wait_for(self.training, 120, "a job trains")
        os.kill(self.rng.choice(processes), signal.SIGKILL)

    def cancel(self):
        jobs = wait_for(self.submitter.cluster.running, 120, "a job runs")
        self.submitter.cluster.command("scancel", self.rng.choice(jobs))

    def kill_controller(self):
        cancel, unlock, _ = RECOVERY.splitlines()
        os.killpg(self.controller.pid, signal.SIGKILL)
        self.controller.wait()
        subprocess.run(["bash", "-c", cancel], env=self.submitter.environment, check=True)
        wait_for(lambda: not self.submitter.cluster.running(), 120, "the orphans are cancelled")
        self.submitter.project.run(*unlock.split()[1:], config=CONFIG[0])
        self.controller = self.start()


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def test_two_hundred_jobs_survive_three_strikes(submitter, tmp_path_factory):
    rng = random.Random(20170307)
    with_blocks_of(1, submitter.project)
    strikes = Strikes(submitter, rng)
    kinds = [strikes.kill_training, strikes.cancel, strikes.kill_controller]
    rng.shuffle(kinds)
    moments = sorted(rng.sample(range(JOBS // 10, JOBS * 9 // 10), len(kinds)))
    for moment, strike in zip(moments, kinds, strict=True):
        wait_for(lambda moment=moment: strikes.finished() >= moment, 3600, f"{moment} jobs are done")
        strike()
    submitter.finish(strikes.controller, seconds=3600)

    states = list(submitter.jobs().values())
    assert len(states) > JOBS and states.count("COMPLETED") >= JOBS
    assert strikes.finished() == JOBS
    local = with_blocks_of(50, Project.copied_to(tmp_path_factory.mktemp("local")))
    local.run(METRICS, config=CONFIG[0])
    results = [dataset.read(project.folder / METRICS) for project in (submitter.project, local)]
    xr.testing.assert_identical(*(result.drop_attrs(deep=False) for result in results))
