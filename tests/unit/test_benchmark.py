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
from torch.utils.flop_counter import FlopCounterMode

from conftest import ROOT, TINY
from gradient_failures.benchmark import ensembles, kernels, phases, plain
from gradient_failures.benchmark.measure import LEARNERS, cases, kernels_of
from gradient_failures.config.paper import validated
from unit.emulated_card import emulated_card
from unit.tiny_runs import RUNS

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


WITH_KERNELS = [case for case in CASES if not case.startswith("allocation")]


def operations(step):
    """Floating-point operations of the products and convolutions of a step."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


@pytest.mark.parametrize("case", WITH_KERNELS)
def test_the_plain_loop_and_the_kernels_do_the_same_work(case):
    """But for the rows of biases, and for the small layers after the convolutions of tuples."""
    name, point, training = CASES[case]
    kernel = operations(kernels_of(LEARNERS[name](point, training, seeds=[0]), training))
    if case.startswith("curves/method~preconditioned"):
        kernel *= 5 / 2  # the plain loop whitens all three taps of a window, forward alone
    assert operations(getattr(plain, name)(point, training)) == pytest.approx(kernel, rel=0.2)


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


@pytest.mark.parametrize("case", CASES)
def test_the_phases_are_functions_that_training_calls(case):
    name, point, training = CASES[case]
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


def one_case_each():
    """The configuration with one tiny grid point of every experiment, as YAML."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for overlay in (TINY, ONE_CASE_EACH):
        update_config(config, yaml.safe_load(overlay))
    return yaml.safe_dump(config)


def test_the_command_measures_every_case_and_writes_the_table(project):
    project.write("config/one_case_each.yaml", one_case_each())
    command = [sys.executable, "-m", "gradient_failures.benchmark", "results/benchmark"]
    done = subprocess.run(
        [*command, "--config", "config/one_case_each.yaml", "--rounds", "1"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    folder = project.folder / "results/benchmark"
    results = [json.loads(path.read_text()) for path in folder.glob("*/*.json")]
    assert {result["experiment"] for result in results} == set(phases.PHASES)
    for result in results:
        assert result["plain_over_ours"] > 0
        assert 1 > result["share_of_start_in_a_job"] > 0.1  # jobs of no more than 60 tiny steps
        assert result["threads"] == 1
        assert result["peak_memory_mb"] > 100
    assert (folder / "table.md").read_text().splitlines()[-5:] == done.stdout.splitlines()
    assert sorted(path.name for path in project.folder.iterdir() if path.name in ("logs", "benchmarks")) == []
    assert sorted(path.name for path in folder.iterdir()) == sorted([*phases.PHASES, "table.md"])


@pytest.fixture
def quick_ensembles(monkeypatch):
    monkeypatch.setattr(ensembles, "SECONDS", 0.01)
    monkeypatch.setattr(ensembles, "SEEDS", (1, 3))


@pytest.mark.parametrize("case", {name: case for case in RUNS.values() for name in case[:1]}.items())
def test_ensembles_on_a_card_are_measured_beside_the_processor(case, quick_ensembles):
    name, run = case
    with emulated_card():
        result = ensembles.measure(*run)
    assert result["experiment"] == name
    assert list(result["steps_per_second"]) == ["1", "3"]
    assert all(rate > 0 for rate in result["steps_per_second"].values())
    assert result["loss_difference"] < 1e-4


def test_ensembles_count_the_steps_of_all_seeds_and_one_seed_is_timed_on_the_processor(monkeypatch):
    timed = []

    def steps_per_second(learner):
        timed.append((learner.network.layers[0].device.type, len(learner.targets)))
        return 10.0

    monkeypatch.setattr(ensembles, "steps_per_second", steps_per_second)
    with emulated_card():
        result = ensembles.measure(*RUNS["parity/dim~3"])
    assert timed == [("cpu", 1), *(("card", seeds) for seeds in ensembles.SEEDS)]
    assert result["steps_per_second_on_the_processor"] == 10
    assert result["steps_per_second"] == {str(seeds): 10 * seeds for seeds in ensembles.SEEDS}


def test_losses_on_a_card_are_compared_seed_by_seed(quick_ensembles, monkeypatch):
    losses = iter([torch.tensor([2.0, 4.0]), torch.tensor([2.0, 5.0])])
    monkeypatch.setattr(ensembles, "first_losses", lambda learner: next(losses))
    assert ensembles.measure(*RUNS["parity/dim~3"])["loss_difference"] == 0.25


def test_the_command_measures_ensembles_of_every_experiment(quick_ensembles, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text(one_case_each())
    assert ensembles.main([f"{tmp_path}", "--device", "cpu", "--config", f"{tmp_path}/config.yaml"]) == 0
    report = json.loads((tmp_path / "ensembles.json").read_text())
    assert report["device"] == "cpu"
    assert [result["experiment"] for result in report["results"]] == list(PAPER.experiments())
    assert {result["loss_difference"] for result in report["results"]} == {0}
    assert (tmp_path / "ensembles.md").read_text() == capsys.readouterr().out
