"""Jobs and runs that are killed or stopped: the same command goes on, and ends with the same bits."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache

import psutil
import xarray as xr

from gradient_failures.problems.parity import experiment
from gradient_failures.results import dataset
from gradient_failures.results.dataset import located

SETTINGS = {"steps": 40000, "eval_every": 100, "eval_samples": 50, "batch_size": 16, "learning_rate": 0.01}
RUN = "results/runs/parity/experiment/dim~5/seeds~0-1.nc"
SECONDS = 600
"""After which a test gives up: a busy machine may be a hundred times slower than an idle one."""


@cache
def uninterrupted():
    """What the job computes if nothing happens to it."""
    settings = experiment.Settings(dim=5, **SETTINGS)
    return located(experiment.run(settings, [0, 1]), settings)


class Run:
    """One command that trains two parities, in a session of its own, as if from a terminal."""

    def __init__(self, project):
        self.project = project
        self.checkpoints = (project.folder / RUN).with_suffix(".checkpoint")
        self.log = project.folder / "logs/compute_parity_experiment/dim~5/seeds~0-1.log"
        self.log.unlink(missing_ok=True)
        settings = f'parity={{"experiment": {{"settings": {SETTINGS}}}}}'.replace("'", '"')
        snakemake = [sys.executable, "-m", "snakemake", "--cores", "1", RUN]
        options = ["--configfile", "config/tiny.yaml", "--config", settings]
        every_second = ["--set-resources", "compute_parity_experiment:checkpoint_every=1"]
        self.controller = subprocess.Popen(
            [*snakemake, *options, *every_second],
            cwd=project.folder,
            env=os.environ | {"XDG_CACHE_HOME": str(project.folder / ".cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def logged(self):
        return self.log.read_text() if self.log.exists() else ""

    def job(self):
        """The process that trains."""
        children = psutil.Process(self.controller.pid).children(recursive=True)
        scripts = [child for child in children if child.cmdline()[-1].endswith("compute.py")]
        (job,) = [script for script in scripts if script.name() != "bash"]
        return job

    def wait_for(self, condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.controller.poll() is None, self.controller.communicate()[0] + self.logged()
            assert time.monotonic() < deadline, self.logged()
            time.sleep(0.02)

    def training(self, resumed):
        """Wait until it trains and has a checkpoint, and a random moment more."""
        self.wait_for(lambda: "resumed after" in self.logged() if resumed else "step 0 of" in self.logged())
        self.wait_for(lambda: list(self.checkpoints.glob("[!.]*.pt")))
        time.sleep(random.uniform(0, 0.5))
        return self

    def output(self):
        return self.controller.communicate(timeout=SECONDS)[0]


def kill_job(run):
    run.job().kill()


def terminate_job(run):
    run.job().terminate()


def press_ctrl_c(run):
    os.killpg(run.controller.pid, signal.SIGINT)


def assert_same_bits(run):
    result = dataset.read(run.project.folder / RUN)
    xr.testing.assert_identical(result.drop_attrs(deep=False), uninterrupted())
    assert not run.checkpoints.exists()


def assert_resumed_to_the_end(run):
    output = run.output()
    assert run.controller.returncode == 0, output + run.logged()
    assert "resumed after" in run.logged()
    assert_same_bits(run)


STOPS = [
    (kill_job, None),
    (terminate_job, "SIGTERM"),
    (kill_job, None),
    (press_ctrl_c, "SIGINT"),
]


def test_a_job_killed_again_and_again_goes_on_and_ends_with_the_same_bits(project, assert_seen):
    place, seen = None, ""
    for number, (stop, name) in enumerate(STOPS):
        run = Run(project).training(resumed=number > 0)
        if place:
            assert f"resumed after {place}, from" in run.logged()
        stop(run)
        output = run.output()
        seen += output + run.logged()
        assert run.controller.returncode != 0
        assert not (project.folder / RUN).exists()
        place = None
        if name:
            (place,) = re.findall(
                rf"{name} ended the job after (.*); the same command goes on from there$", run.logged(), re.M
            )
            assert name == "SIGINT" or f"{name} ended the job after {place};" in output
    assert_seen(seen)
    run = Run(project)
    assert_resumed_to_the_end(run)
    assert f"resumed after {place}, from" in run.logged()


def test_a_second_run_is_refused_and_a_run_that_is_to_end_finishes_its_jobs(project, assert_seen):
    run = Run(project).training(resumed=False)
    job = run.job()
    job.suspend()
    second = project.snakemake(RUN)
    assert second.returncode != 0
    run.controller.terminate()
    job.resume()
    assert_seen(second.stdout + run.output())
    assert run.controller.returncode != 0
    assert_same_bits(run)


def test_a_killed_run_goes_on_even_without_the_records_of_snakemake(project):
    run = Run(project).training(resumed=False)
    job = run.job()
    os.killpg(run.controller.pid, signal.SIGKILL)
    run.controller.wait()
    psutil.wait_procs([job], timeout=SECONDS)
    assert not (project.folder / RUN).exists()
    shutil.rmtree(project.folder / ".snakemake")
    assert_resumed_to_the_end(Run(project))


def test_a_second_writer_is_refused_while_the_job_of_a_killed_controller_lives(project, assert_seen):
    first = Run(project).training(resumed=False)
    orphan = first.job()
    orphan.suspend()
    first.controller.kill()
    first.controller.wait()
    assert project.snakemake("--unlock").returncode == 0

    second = Run(project)
    output = second.output()
    assert second.controller.returncode != 0
    assert_seen(output)

    orphan.terminate()
    orphan.resume()
    psutil.wait_procs([orphan], timeout=SECONDS)
    assert_resumed_to_the_end(Run(project))
