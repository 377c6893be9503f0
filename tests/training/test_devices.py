"""Devices: which one a name means, one job for each slot of a GPU, and training on one."""

import logging
import signal
import subprocess
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gradient_failures.training import devices
from tiny_runs import RUNS, module_of
from training.emulated_gpu import GPU, emulated_gpu


@pytest.fixture
def slots(tmp_path, monkeypatch):
    """A machine whose slots are all free."""
    monkeypatch.setattr(devices, "SLOTS", tmp_path)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    return tmp_path


def machine(monkeypatch, gpus=0, mps=False):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    "gpus, mps, name, found",
    [
        (0, False, "cpu", "cpu"),
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (2, False, "auto", "cuda"),
        (2, False, "cpu", "cpu"),
        (2, False, "cuda", "cuda"),
        (2, False, "cuda:1", "cuda:1"),
        (0, True, "mps", "mps"),
    ],
)
def test_names_mean_what_the_machine_has(monkeypatch, gpus, mps, name, found):
    machine(monkeypatch, gpus, mps)
    assert devices.find(name) == found


@pytest.mark.parametrize(
    "gpus, name, present",
    [(0, "cuda", "has cpu."), (2, "cuda:2", "has cpu, cuda:1, cuda:0."), (2, "mps", "cuda:0")],
)
def test_a_device_that_is_missing_is_named_with_those_that_are_here(monkeypatch, gpus, name, present):
    machine(monkeypatch, gpus)
    with pytest.raises(devices.DeviceError, match=f"'{name}' is not here.*{present}"):
        devices.find(name)


def test_the_cpu_needs_no_slot_and_asks_for_no_gpu(slots, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: pytest.fail("asked"))
    with devices.training_on("cpu", 1) as described:
        assert described == "cpu"
        assert torch.get_default_device() == torch.device("cpu")
    assert not list(slots.iterdir())


@pytest.mark.parametrize("name, gpu", [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1")])
def test_a_gpu_is_the_default_device_of_the_job_that_holds_its_slot(slots, monkeypatch, name, gpu):
    machine(monkeypatch, gpus=2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda gpu: f"GPU {gpu}")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda gpu: SimpleNamespace(uuid=f"uuid-{gpu}"))
    with devices.training_on(name, 1) as described:
        assert described == f"cuda, GPU {gpu}"
        assert torch.get_default_device() == torch.device(gpu)
        assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32
        assert [path.name for path in slots.iterdir()] == [f"uuid-{gpu}.0.lock"]
    assert torch.get_default_device() == torch.device("cpu")


def job_on(gpus, jobs_per_gpu):
    """A job that holds a slot until it is closed, and the GPU that it got."""
    job = ExitStack()
    return job, job.enter_context(devices._slot_on(gpus, jobs_per_gpu))


def if_one_waits(monkeypatch, do):
    """Do something when a job has found all slots taken for the third time, instead of sleeping."""
    waits = iter([lambda: None, lambda: None, do])
    monkeypatch.setattr(devices, "time", SimpleNamespace(sleep=lambda _: next(waits)()))


def test_gpus_are_shared_only_when_each_has_a_job_and_only_by_so_many(slots, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    jobs, gpus = zip(*[job_on(["left", "right"], 2) for _ in range(4)], strict=True)
    assert set(gpus[:2]) == set(gpus[2:]) == {"left", "right"}
    assert not caplog.records
    if_one_waits(monkeypatch, jobs[1].close)
    fifth, gpu = job_on(["left", "right"], 2)
    assert gpu == gpus[1]
    assert caplog.text.count("waiting for a GPU: all 4 slots are taken") == 1
    for job in (*jobs, fifth):
        job.close()


HOLDER = """
import sys
from pathlib import Path
from gradient_failures.training import devices
devices.SLOTS = Path(sys.argv[1])
with devices._slot_on(["only"], 1) as gpu:
    print(gpu, flush=True)
    sys.stdin.read()
"""


def test_the_slot_of_a_job_that_is_killed_is_free(slots, monkeypatch):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, slots], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "only\n"
        if_one_waits(monkeypatch, lambda: (holder.kill(), holder.wait()))
        job, _ = job_on(["only"], 1)
        assert holder.returncode == -signal.SIGKILL
        job.close()


def test_a_job_obeys_slurm(slots, monkeypatch):
    """It takes the one GPU that it was given, whoever else thinks to hold it."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with devices._slot_on(["left"], 1) as first, devices._slot_on(["left"], 1) as second:
        assert first == second == "left"
    with devices._slot_on(["left", "right"], 1) as first, devices._slot_on(["left", "right"], 1) as second:
        assert {first, second} == {"left", "right"}


def test_the_emulated_gpu_refuses_what_a_gpu_refuses():
    here = torch.ones(2, 2)
    with emulated_gpu():
        there = torch.ones(2, 2)
        assert there.device == GPU
        assert (there @ torch.as_tensor(here.numpy())).device == GPU
        with pytest.raises(RuntimeError, match="on the GPU and on the CPU"):
            there @ here
        with pytest.raises(TypeError, match="float64"):
            there.double()


@pytest.mark.parametrize("run", RUNS)
def test_seeds_that_train_side_by_side_on_a_gpu_are_those_that_train_alone_on_the_cpu(run):
    """All that a run computes is on the GPU, it sees the same data there, and only rounding differs."""
    train = module_of(run).run
    expected = train(RUNS[run], [2, 0, 1])
    with emulated_gpu():
        result = train(RUNS[run], [2, 0, 1])
    assert set(result.variables) == set(expected.variables)
    for name, values in expected.variables.items():
        scale = np.abs(values).max().item()
        np.testing.assert_allclose(result[name], values, rtol=0, atol=1e-4 * scale, err_msg=name)
