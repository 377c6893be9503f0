"""The benchmark: what it compares is of the same size, and its shares are those of the time."""

import json
import os
import subprocess
import sys
import time
from itertools import chain
from math import prod
from timeit import timeit
from types import SimpleNamespace

import pytest
import torch
import yaml
from snakemake.utils import update_config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import cases, ensembles, timing
from benchmarks.kernels import kernels_of
from conftest import ROOT
from training.emulated_gpu import emulated_gpu

ONE_CASE_EACH = """
parity: {experiment: {grids: {parity: {dim: [3]}}}}
allocation: {experiment: {grids: {allocation: {approach: [end_to_end], n_stocks: [3]}}}}
tuples: {experiment: {grids: {tuples: {approach: [decomposition], tuple_length: [1]}}}}
flat_activations: {experiment: {grids: {flat_activations: {approach: [forward_only]}}}}
"""
PAPER = cases.cases(str(ROOT / "config/config.yaml"))
PROBLEMS = list(dict.fromkeys(case.problem for case in PAPER))
LARGEST = {(case.problem, getattr(case.settings, "approach", None)): case for case in PAPER}
"""The last case of each approach to each problem, at the paper's size."""

OTHER_WORK = {
    ("curves", "preconditioned"): 2 / 5,
    ("allocation", "end_to_end"): 0,
    ("allocation", "decomposition"): 0,
}
"""Operations of the learner over those of the plain loop, which whitens windows and multiplies one-hots."""

NOT_COUNTED_BY_TORCH = {
    torch.ops.aten.baddbmm_: lambda into, left, right, **_: 2 * prod(left) * right[-1],
    torch.ops.aten.mv: lambda left, right, **_: 2 * prod(left),
}


@pytest.fixture(autouse=True)
def no_waiting_for_an_emulated_gpu(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: None)


def operations(step):
    """Floating-point operations of the products and convolutions of a step."""
    with FlopCounterMode(display=False, custom_mapping=NOT_COUNTED_BY_TORCH) as counter:
        step()
    return counter.get_total_flops()


def test_the_plain_loop_does_the_work_of_the_learner():
    """As many operations, but for biases; of tuples with all pixels, as the meta device has no dark ones."""
    for key, case in LARGEST.items():
        plain = operations(case.plain())
        with torch.device("meta" if case.problem == "tuples" else "cpu"):
            learner = case.learner([0])
            ours = operations(lambda learner=learner: learner.advance(1))
        assert ours / plain == pytest.approx(OTHER_WORK.get(key, 1), rel=0.04), key


def test_the_plain_loop_trains_a_model_of_the_same_size():
    """The same numbers of parameters, of which its optimiser has all, and a step changes them."""
    for key, case in LARGEST.items():
        plain, state = case.plain(), case.learner([0]).state()
        parameters = list(chain(*(group["params"] for group in plain.optimiser.param_groups)))
        ours = chain(*(state[name] for name in ("layers", "weights", "parameters") if name in state))
        assert sum(part.numel() for part in parameters) == sum(part.numel() for part in ours), key
        before = [parameter.detach().clone() for parameter in parameters]
        plain()
        assert any((new != old).any() for new, old in zip(parameters, before, strict=True)), key


def test_the_kernels_are_the_products_and_convolutions_of_a_step_and_change_nothing():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(32, 5), nn.ReLU(), nn.Linear(5, 2)
    )
    images, rows = torch.randn(7, 1, 4, 4), 7
    repeat = kernels_of(lambda: model(images).sum().backward())
    before = [parameter.grad.clone() for parameter in model.parameters()]
    convolution = 2 * (rows * 16 * 2 * 9) * 2  # forward, and backward to the weights
    assert operations(repeat) == convolution + 2 * rows * (32 * 5 + 5 * 2) * 3
    assert all(map(torch.equal, before, (parameter.grad for parameter in model.parameters())))


def long():
    time.sleep(0.04)
    inner()


def inner():
    time.sleep(0.02)


class Sleeper:
    def advance(self, steps):
        for _ in range(steps):
            self._prepare()
            self.decorated()
            long()
        time.sleep(0.01)

    def _prepare(self):
        time.sleep(0.02)
        inner()

    @torch.no_grad()
    def decorated(self):
        time.sleep(0.03)


def test_shares_are_those_of_public_functions_and_private_ones_are_looked_into():
    shares = timing.shares(Sleeper(), steps=2, calls=1)
    total = 2 * (0.04 + 0.03 + 0.06) + 0.01
    expected = {"long": 0.12, "decorated": 0.06, "_prepare": 0.04, "inner": 0.04, "rest": 0.01}
    assert shares == pytest.approx({name: part / total for name, part in expected.items()}, abs=0.07)
    assert sum(shares.values()) == pytest.approx(1)


def test_the_main_points_of_what_trains_are_timed_and_variants_are_not():
    points = {problem: [case.point for case in PAPER if case.problem == problem] for problem in PROBLEMS}
    assert points["parity"] == [f"dim~{dim}" for dim in (5, 10, 15, 20, 25, 30)]
    assert "approach~decomposition+tuple_length~6" in points["tuples"]
    assert any("kind~adagrad" in point for point in points["curves"])
    assert not any("rasterisation" in point for point in points["tuples"])
    assert {case.computation for case in PAPER} == {"experiment"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The configuration with one tiny grid point of every problem."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for overlay in ((ROOT / "tests/tiny.yaml").read_text(), ONE_CASE_EACH):
        update_config(config, yaml.safe_load(overlay))
    path = tmp_path_factory.mktemp("benchmark") / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def test_every_problem_is_timed(tiny):
    for case in {case.problem: case for case in cases.cases(str(tiny))}.values():
        result = timing.measure(case, rounds=1, seconds=0.01)
        assert (result["problem"], result["point"]) == (case.problem, case.point)
        assert result["plain_over_ours"] > 0 and result["ours_over_kernels"] > 0
        assert sum(result["shares_of_a_step"].values()) == pytest.approx(1)
        assert min(result["shares_of_a_step"].values()) >= 0
        assert 0 < result["share_of_evaluations"] < 1
        assert result["threads"] == 1


def test_ratios_and_the_time_of_a_run_follow_from_the_times_of_calls(tiny, monkeypatch):
    case = next(case for case in cases.cases(str(tiny)) if case.problem == "parity")
    times = {"partial": 0.2, "Plain": 0.3, "function": 0.01, "method": 0.5}
    monkeypatch.setattr(timing, "steps_at_once", lambda learner, most, seconds: most)
    monkeypatch.setattr(timing, "seconds_of", lambda call, at_least: times[type(call).__name__])
    result = timing.measure(case, rounds=3, seconds=0.2)
    assert result["seconds_of_a_step"] == pytest.approx({"ours": 0.01, "plain": 0.3, "kernels": 0.01})
    assert (result["plain_over_ours"], result["ours_over_kernels"]) == pytest.approx((30, 1))
    assert result["seconds_of_a_run"] == pytest.approx(60 * 0.01 + 4 * 0.5)
    assert result["share_of_evaluations"] == pytest.approx(2 / 2.6)


def test_the_command_writes_the_table(project, tiny):
    """A problem without a plain loop is timed too, and told."""
    (project.folder / "benchmarks/plain/parity.py").unlink()
    options = ["--config", tiny, "--rounds", "1", "--seconds", "0.02", "--only", "[ap]*~3"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "results/benchmark", *options],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "parity gets no ratios: it has no plain loop, benchmarks/plain/parity.py" in done.stderr
    folder = project.folder / "results/benchmark"
    results = [json.loads(path.read_text()) for path in sorted(folder.glob("*/experiment/*.json"))]
    assert [result["problem"] for result in results] == ["allocation", "parity"]
    assert [result["plain_over_ours"] is None for result in results] == [False, True]
    for result in results:
        assert 1 > result["share_of_start_in_a_job"] > 0.1  # jobs of no more than 60 tiny steps
        assert result["peak_memory_mb"] > 100
    assert (folder / "table.md").read_text().splitlines()[-2:] == done.stdout.splitlines()
    assert done.stdout.startswith("| parity | `dim~3` |") and done.stdout.count("| – | – |") == 1
    assert not (project.folder / "logs").exists()
    assert sorted(path.name for path in (project.folder / "results").iterdir()) == ["benchmark"]


def test_ensembles_on_a_gpu_are_measured_beside_the_cpu(tiny, monkeypatch):
    for module in (timing, ensembles):  # the timer of torch makes tensors that an emulated GPU cannot
        monkeypatch.setattr(module, "seconds_of", lambda call, at_least: timeit(call, number=1))
    for case in {case.problem: case for case in cases.cases(str(tiny))}.values():
        with emulated_gpu():
            result = ensembles.measure(case, seeds=[1, 3], seconds=0.01)
        assert result["problem"] == case.problem
        assert list(result["steps_per_second"]) == ["1", "3"]
        assert all(rate > 0 for rate in result["steps_per_second"].values())
        assert result["loss_difference"] < 1e-4


def test_ensembles_count_the_steps_of_all_seeds_and_compare_losses_seed_by_seed(monkeypatch):
    timed, losses = [], iter([torch.tensor([2.0, 4.0]), torch.tensor([2.0, 5.0])])
    case = SimpleNamespace(problem="toy", point="k~1", settings=SimpleNamespace(eval_every=50))
    case.learner = lambda seeds: SimpleNamespace(advance=lambda steps: timed.append((len(seeds), steps)))

    def seconds_of(call, at_least):
        call()
        return 0.1

    monkeypatch.setattr(ensembles, "seconds_of", seconds_of)
    monkeypatch.setattr(ensembles, "steps_at_once", lambda learner, most, seconds: most)
    monkeypatch.setattr(ensembles, "first_losses", lambda case: next(losses))
    result = ensembles.measure(case, seeds=[1, 4], seconds=1.0)
    assert timed == [(1, 50), (1, 50), (4, 50)]
    assert result["steps_per_second_on_the_cpu"] == pytest.approx(500)
    assert result["steps_per_second"] == pytest.approx({"1": 500, "4": 2000})
    assert result["loss_difference"] == 0.25


def test_the_command_measures_ensembles_of_every_problem(tiny, tmp_path, capsys):
    options = ["--device", "cpu", "--config", f"{tiny}", "--seconds", "0.01", "--seeds", "1", "2"]
    assert ensembles.main([f"{tmp_path}", *options]) == 0
    report = json.loads((tmp_path / "ensembles.json").read_text())
    assert report["device"] == "cpu"
    assert [result["problem"] for result in report["results"]] == PROBLEMS
    assert {result["loss_difference"] for result in report["results"]} == {0}
    assert (tmp_path / "ensembles.md").read_text() == capsys.readouterr().out
