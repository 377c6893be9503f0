"""The workflow on a real SLURM: requests reach the jobs, and what goes wrong costs time, not results."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import torch
import xarray as xr

from conftest import ROOT
from gradient_failures.results import dataset
from slurm.cluster import RECOVERY, missing, wait_for
from slurm.conftest import LOG, RUN, data_of
from tiny_runs import tiny_config

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(missing()), reason=missing())]

GROUPS = ["parity", "allocation", "flat_activations", "curves", "measurements", "figures"]
ONE_GRID_EACH = [next(iter(computation.config.grids)) for computation in tiny_config().computations]


def assert_results_of_a_local_run(submitter, finished, targets):
    """Blocks of seeds as on a cluster; most of them share SLURM jobs, in larger groups than the profile's."""
    larger = ["--group-components", *(f"{group}=8" for group in GROUPS)]
    submitter.run(*targets, *larger, config=("config/tiny.yaml", "config/cluster.yaml"))
    assert set(submitter.jobs().values()) == {"COMPLETED"}
    made = sorted((submitter.project.folder / "results/metrics").glob("*.nc"))
    assert len(made) >= len(ONE_GRID_EACH)
    for path in made:
        local, remote = dataset.read(finished.folder / "results/metrics" / path.name), dataset.read(path)
        xr.testing.assert_identical(local.drop_attrs(deep=False), remote.drop_attrs(deep=False))


def test_every_computation_has_the_results_of_a_local_run(submitter, finished):
    targets = [f"results/metrics/{grid}.nc" for grid in ONE_GRID_EACH]
    assert_results_of_a_local_run(submitter, finished, [*targets, "figure_snr"])
    assert (submitter.project.folder / "results/figures/snr.pdf").exists()


@pytest.mark.sweep
def test_whole_workflow_has_the_results_of_a_local_run(submitter, finished):
    assert_results_of_a_local_run(submitter, finished, ["all"])
    assert (submitter.project.folder / "results/report/index.html").exists()


ASKED = {
    "Partition": "gpu",
    "TresPerJob": "gres:gpu:1",
    "TimeLimit": "00:07:00",
    "NumCPUs": "1",
    "MinMemoryNode": "1500M",
}


def environment_of_training(cluster, job):
    """The environment of the process of ``job`` that trains."""
    pids = re.findall(r"^(\d+)", cluster.command("scontrol", "listpids", job), flags=re.MULTILINE)
    (pid,) = [pid for pid in pids if "compute.py" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1]]
    return dict(line.split("=", 1) for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if line)


def test_requests_reach_the_job_and_an_interrupted_run_cancels_it(submitter):
    requests = ["gpu=1", "slurm_partition=gpu", "runtime=7"]
    longer = 'parity={"experiment": {"settings": {"steps": 100000000}}}'
    controller = submitter.start(
        RUN, "--config", longer, "--set-resources", *(f"compute_parity_experiment:{one}" for one in requests)
    )
    job = submitter.training()
    details = submitter.cluster.details(job)
    assert details["JobName"].startswith("gradient-failures_")
    assert {name: details[name] for name in ASKED} == ASKED
    assert environment_of_training(submitter.cluster, job)["CUDA_VISIBLE_DEVICES"] in ("0", "1")

    controller.send_signal(signal.SIGINT)
    assert controller.wait(timeout=120) != 0
    wait_for(lambda: submitter.jobs()[job] == "CANCELLED", 60, "the job is cancelled")
    assert not (submitter.project.folder / RUN).exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a card here")
def test_training_on_a_card_asks_for_one_and_names_the_lack_of_it(submitter):
    """The cards of this cluster are nothing that torch knows."""
    request = ["--set-resources", "compute_parity_experiment:slurm_partition=gpu"]
    controller = submitter.start(RUN, "--config", "device=cuda", "--retries", "0", *request)
    assert controller.wait(timeout=600) != 0
    (job,) = submitter.jobs()
    assert submitter.cluster.details(job)["TresPerJob"] == "gres:gpu:1"
    assert "device 'cuda' is not here" in (submitter.project.folder / LOG).read_text()


def test_cancelled_job_is_retried_and_goes_on_from_its_checkpoint(submitter, expected):
    controller = submitter.start(RUN)
    submitter.cluster.command("scancel", submitter.training())
    submitter.finish(controller)
    assert list(submitter.jobs().values()) == ["CANCELLED", "COMPLETED"]
    assert "resumed after seed 2, step" in (submitter.project.folder / LOG).read_text()
    xr.testing.assert_identical(data_of(submitter.project), expected)


def test_requeued_job_is_waited_for_and_gives_the_same_data(submitter, expected):
    controller = submitter.start(RUN)
    job = submitter.training()
    submitter.cluster.command("scontrol", "requeue", job)
    submitter.finish(controller)
    assert submitter.jobs() == {job: "COMPLETED"}
    assert submitter.cluster.details(job)["Restarts"] == "1"
    xr.testing.assert_identical(data_of(submitter.project), expected)


def test_job_killed_for_memory_is_retried_with_more(submitter, expected):
    submitter.project.edit("workflow/rules/compute.smk", "growing(1500)", "growing(400)")
    output = submitter.run(RUN)
    first, second = submitter.jobs()
    assert submitter.jobs() == {first: "FAILED", second: "COMPLETED"}
    memory = [submitter.cluster.details(job)["MinMemoryNode"] for job in (first, second)]
    assert memory == ["400M", "800M"]
    assert "exceeded memory limit" in output
    xr.testing.assert_identical(data_of(submitter.project), expected)


def test_second_job_on_one_result_is_refused_while_the_first_runs(submitter, expected):
    first = submitter.start(RUN)
    orphan = submitter.training()
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    submitter.cluster.command("scontrol", "suspend", orphan)  # so that it cannot end before the second starts
    submitter.project.run("--unlock", config="config/long.yaml")

    second = submitter.start(RUN)
    wait_for(lambda: "is at work on this job" in submitter.output.read_text(), 600, "the second is refused")
    second.send_signal(signal.SIGINT)
    assert second.wait(timeout=300) != 0

    submitter.cluster.command("scontrol", "resume", orphan)
    wait_for(lambda: submitter.jobs()[orphan] == "COMPLETED", 600, "the first ends")
    xr.testing.assert_identical(data_of(submitter.project), expected)


def test_after_a_lost_controller_the_documented_commands_finish_the_run(submitter, expected):
    assert RECOVERY in (ROOT / "docs/cluster.md").read_text()
    cancel, unlock, _ = RECOVERY.splitlines()
    controller = submitter.start(RUN)
    job = submitter.training()
    os.killpg(controller.pid, signal.SIGKILL)
    controller.wait()
    assert submitter.jobs() == {job: "RUNNING"}

    subprocess.run(["bash", "-c", cancel], env=submitter.environment, check=True)
    wait_for(lambda: submitter.jobs() == {job: "CANCELLED"}, 60, "the orphan is cancelled")
    submitter.project.run(*unlock.split()[1:], config="config/long.yaml")
    submitter.run(RUN)
    xr.testing.assert_identical(data_of(submitter.project), expected)
