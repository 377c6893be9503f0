"""Devices: which one a name means, one job for each place on a card, and training on one."""

import importlib
import select
import subprocess
import sys

import numpy as np
import pytest
import torch
import xarray as xr

from gradient_failures import device
from unit.emulated_card import CARD, emulated_card
from unit.tiny_runs import RUNS


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A machine without places that are taken."""
    monkeypatch.setattr(device, "PLACES", tmp_path)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    return tmp_path


def machine(monkeypatch, cards=0, mps=False):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    "cards, mps, name, found",
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
def test_names_mean_what_the_machine_has(monkeypatch, cards, mps, name, found):
    machine(monkeypatch, cards, mps)
    assert device.find(name) == found


@pytest.mark.parametrize(
    "cards, name, present",
    [(0, "cuda", "has cpu."), (2, "cuda:2", "has cpu, cuda:1, cuda:0."), (2, "mps", "cuda:0")],
)
def test_a_device_that_is_missing_is_named_with_those_that_are_here(monkeypatch, cards, name, present):
    machine(monkeypatch, cards)
    with pytest.raises(device.DeviceError, match=f"'{name}' is not here.*{present}"):
        device.find(name)


def test_the_processor_needs_no_place(places):
    with device.training_on("cpu", 1) as described:
        assert described == "cpu"
        assert torch.get_default_device() == torch.device("cpu")
    assert not list(places.iterdir())


class Job:
    """A process of its own that waits for a place, holds it, and leaves when its input ends."""

    CODE = """
import sys
from pathlib import Path
from gradient_failures import device
device.PLACES = Path(sys.argv[1])
print("waiting", flush=True)
with device._place_on(["left", "right"], int(sys.argv[2])) as card:
    print(card, flush=True)
    sys.stdin.read()
"""

    def __init__(self, places, jobs_per_card):
        command = [sys.executable, "-c", self.CODE, str(places), str(jobs_per_card)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.says() == "waiting"

    def says(self):
        """Its next line; waits for it."""
        return self.process.stdout.readline().decode().strip()

    def waits(self):
        """Whether it gets no place in the time of three tries."""
        ready, _, _ = select.select([self.process.stdout], [], [], 3 * device.SECONDS_BETWEEN_TRIES)
        return not ready

    def leave(self):
        self.process.communicate(timeout=60)


def test_jobs_take_different_cards_and_the_next_waits_for_one_that_is_killed(places):
    first, second = Job(places, 1), Job(places, 1)
    assert {first.says(), freed := second.says()} == {"left", "right"}
    third = Job(places, 1)
    assert third.waits()
    second.process.kill()
    assert third.says() == freed
    for job in (first, second, third):
        job.leave()


def test_cards_are_shared_only_when_each_has_a_job_and_only_by_so_many(places):
    jobs = [Job(places, 2) for _ in range(4)]
    cards = [job.says() for job in jobs]
    assert set(cards[:2]) == set(cards[2:]) == {"left", "right"}
    fifth = Job(places, 2)
    assert fifth.waits()
    jobs[0].leave()
    assert fifth.says() == cards[0]
    for job in (*jobs[1:], fifth):
        job.leave()


def test_a_job_obeys_slurm(places, monkeypatch):
    """It takes the one card that it was given, whoever else thinks to hold it."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with device._place_on(["left"], 1) as first, device._place_on(["left"], 1) as second:
        assert first == second == "left"
    with device._place_on(["left", "right"], 1) as first, device._place_on(["left", "right"], 1) as second:
        assert {first, second} == {"left", "right"}


def test_the_emulated_card_refuses_what_a_card_refuses():
    here = torch.ones(2, 2)
    with emulated_card():
        there = torch.ones(2, 2)
        assert there.device == CARD
        assert (there @ torch.as_tensor(here.numpy())).device == CARD
        with pytest.raises(RuntimeError, match="on the card and on the processor"):
            there @ here
        with pytest.raises(TypeError, match="float64"):
            there.double()


@pytest.mark.parametrize("run", RUNS)
def test_training_on_a_card_sees_the_same_data_and_does_the_same(run):
    """All that a run computes is on the card, and with the arithmetic of the processor it is the same."""
    name, point, training = RUNS[run]
    experiment = importlib.import_module(f"gradient_failures.experiments.{name}")
    expected = experiment.train(point, training, [0])
    with emulated_card():
        result = experiment.train(point, training, [0])
    if (
        "adagrad" in run or "tuples" in run
    ):  # a fused form and sparse convolutions are for the processor alone
        xr.testing.assert_allclose(result, expected, rtol=1e-4)
    else:
        xr.testing.assert_identical(result, expected)


@pytest.mark.parametrize("run", RUNS)
def test_seeds_that_train_side_by_side_on_a_card_are_those_that_train_alone(run):
    name, point, training = RUNS[run]
    experiment = importlib.import_module(f"gradient_failures.experiments.{name}")
    expected = experiment.train(point, training, [2, 0, 1])
    with emulated_card():
        result = experiment.train(point, training, [2, 0, 1])
    for name in experiment.METRICS:
        scale = np.abs(expected[name]).max().item()
        np.testing.assert_allclose(result[name], expected[name], rtol=0, atol=1e-4 * scale, err_msg=name)
