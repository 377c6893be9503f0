"""The benchmark: what it compares is of the same size, and its shares are those of the time."""

import json
import os
import subprocess
import sys
import time

import pytest
import torch
import yaml
from snakemake.utils import update_config

from conftest import ROOT, TINY
from gradient_failures.benchmark import kernels, phases, plain
from gradient_failures.benchmark.measure import LEARNERS, cases
from gradient_failures.config.paper import validated

PAPER = validated(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
CASES = {f"{name}/{point.slug()}": (name, point, training) for name, point, training in cases(PAPER)}


def trainable(optimiser):
    return sum(parameter.numel() for group in optimiser.param_groups for parameter in group["params"])


@pytest.mark.parametrize("case", CASES)
def test_the_plain_loop_trains_a_model_of_the_same_size(case, monkeypatch):
    """The same numbers of parameters, of which its optimiser has all, and a step changes them."""
    name, point, training = CASES[case]
    optimisers = []
    made = plain.stepping
    monkeypatch.setattr(
        plain, "stepping", lambda loss, optimiser: optimisers.append(optimiser) or made(loss, optimiser)
    )
    step = getattr(plain, name)(point, training)
    (optimiser,) = optimisers
    learner = LEARNERS[name](point, training, seeds=[0])
    ours = [
        part
        for key, part in learner.parts().items()
        if key in ("layers", "weights", "parameters")
        for part in (part if isinstance(part, list) else [part])
    ]
    assert trainable(optimiser) == sum(part.numel() for part in ours)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    before = [parameter.detach().clone() for parameter in parameters]
    step()
    assert any((parameter != old).any() for parameter, old in zip(parameters, before, strict=True))


def test_the_kernels_of_dense_layers_are_their_products(monkeypatch):
    """Forward, and backward to all weights and to all inputs but the first."""
    multiplied = []
    monkeypatch.setattr(
        torch, "mm", lambda left, right, out: multiplied.append(left.numel() * right.shape[1])
    )
    kernels.dense([3, 5, 2], rows=7)()
    assert sorted(multiplied) == sorted([7 * 3 * 5] * 2 + [7 * 5 * 2] * 3)


def test_nested_calls_share_out_the_time(monkeypatch):
    class Work:
        def outer(self):
            time.sleep(0.02)
            self.inner()

        def inner(self):
            time.sleep(0.06)

    monkeypatch.setitem(phases.PHASES, "work", {"outer": [(Work, "outer")], "inner": [(Work, "inner")]})
    original = Work.outer
    shares = phases.shares("work", lambda: (Work().outer(), time.sleep(0.02)))
    assert Work.outer is original
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["inner"] > 2 * shares["outer"] > 0
    assert shares["rest"] > 0


@pytest.mark.parametrize("name", phases.PHASES)
def test_the_phases_are_functions_that_training_calls(name):
    _, point, training = next(case for case in CASES.values() if case[0] == name)
    learner = LEARNERS[name](point, training, seeds=[0])
    shares = phases.shares(name, lambda: learner.advance(3))
    assert all(share > 0 for share in shares.values())


ONE_CASE_EACH = """
parity: {sweeps: {parity: {dim: [3]}}}
allocation: {sweeps: {allocation: {approach: [end_to_end], n_stocks: [3]}}}
tuples: {sweeps: {tuples: {approach: [decomposition], tuple_length: [1]}}}
steps: {sweeps: {steps: {method: [forward_only]}}}
curves: {sweeps: {curves: {method: [linear]}}}
"""


def test_the_command_measures_every_case_and_writes_the_table(tmp_path):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for overlay in (TINY, ONE_CASE_EACH):
        update_config(config, yaml.safe_load(overlay))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "gradient_failures.benchmark", "results", "--config", "config.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*command, "--rounds", "1"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/*.json")]
    assert {result["experiment"] for result in results} == set(phases.PHASES)
    for result in results:
        assert result["plain_over_ours"] > 0
        assert result["threads"] == 1
        assert result["peak_memory_mb"] > 100
    assert (tmp_path / "results/table.md").read_text().splitlines()[-5:] == done.stdout.splitlines()
