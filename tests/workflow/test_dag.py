"""The jobs that a configuration expands to."""

import re

import pytest

from conftest import ROOT
from gradient_failures.config.problem import problems

FIGURES = [f"figure_{name}" for problem in problems().values() for name in problem.figures]
ALWAYS = {**dict.fromkeys([*FIGURES, "claims", "costs", "figures_pdf", "report", "crate"], 1)}


def test_full_paper_expands_over_grid_and_seed_blocks(project):
    computed = {
        # 6 dimensions x 6 blocks, 8 subset sizes x 4, 3 more architectures x 1, bits at 3 dimensions x 4
        "compute_parity_experiment": 6 * 6 + 8 * 4 + 3 + 3 * 4,
        "compute_parity_gradient_variance": 3,  # blocks
        "compute_parity_realisability": 1,
        "compute_linear_periodic_gradient_variance": 1,
        # approaches x lengths x seeds, more seeds on pairs, a longer run, longer tuples, three options
        "compute_tuples_experiment": 2 * 4 * 3 + 5 + 1 + 2 + 3 * 3,
        "compute_tuples_image_ceiling": 1,
        "compute_tuples_snr": 5,  # blocks
        "compute_tuples_gaussian_tuples": 1,
        "compute_tuples_lemmas": 1,
        "compute_allocation_experiment": 2 * 6 * 4,  # approaches x numbers of stocks x blocks
        "compute_allocation_estimator_noise": 1,
        # approaches x blocks, three other optimisers x blocks, and the curves of the text
        "compute_curves_experiment": 4 * 2 + 3 * 2 + 4 * 1,
        "compute_curves_conditioning": 1,
        "compute_curves_sgd_steps": 4 * 2,  # numbers of points x blocks
        "compute_flat_activations_experiment": 4 * 4,  # approaches x blocks
        "compute_flat_activations_forward_only": 1,
        "compute_summary_loss_surfaces": 1,
    }
    # grids: parity 6, linear-periodic 1, tuples 11, allocation 2, curves 7, flat activations 2, summary 1
    assert project.planned(config=None) == {**ALWAYS, **computed, "combine": 30, "draw_grid": 1}


def test_smoke_has_every_rule_of_the_full_paper(project):
    assert set(project.planned(config="config/smoke.yaml")) == set(project.planned(config=None))


def test_smoke_writes_to_folders_of_its_own(project):
    table = project.snakemake("all", "--summary", config="config/smoke.yaml").stdout
    rows = [line.split("\t") for line in table.splitlines() if "\t" in line][1:]
    assert len(rows) > 25
    assert all(row[0].startswith("results/smoke/") for row in rows)


def test_runs_shared_by_grids_are_planned_once(project):
    jobs = project.planned()
    # 2 dimensions x 2 blocks; 2 subset sizes; 3 architectures and 1 encoding besides the shared defaults
    assert jobs["compute_parity_experiment"] == 2 * 2 + 2 + 3 + 1


@pytest.mark.parametrize(
    "target", ["figure_parity", "claims", "report", "crate", "results/metrics/parity.nc"]
)
def test_named_targets(project, target):
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 0, done.stdout


def test_any_setting_is_an_axis_by_one_line_of_an_overlay(project):
    """Also one in a mapping; each new grid of runs comes with a figure."""
    grid = '{"approach": ["end_to_end"], "n_stocks": [3], "optimiser.epsilon": [1.0e-8, 1.0e-5], "seeds": 2}'
    override = f'allocation={{"experiment": {{"grids": {{"epsilons": {grid}}}}}}}'
    before, after = project.planned(), project.planned("--config", override)
    assert after - before == {"compute_allocation_experiment": 1, "combine": 1, "draw_grid": 1}


def test_every_job_rule_has_log_benchmark_threads_and_resources():
    rules = [path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    blocks = [block for text in rules for block in re.split(r"\n *rule\b.*:\n", text)[1:]]
    assert len(blocks) == 9
    for block in blocks:
        for directive in ("log:", "benchmark:", "threads:", "resources:", "conda:", "message:", "script:"):
            assert f"    {directive}" in block, (directive, block[:40])
