"""The jobs that a configuration expands to."""

import re

import pytest

from conftest import FIGURES, ROOT

FIXED = {
    **{
        f"diagnose_{name}": 1
        for name in (
            "realisability",
            "image_ceiling",
            "estimator_noise",
            "lemmas",
            "linear_periodic",
            "gaussian_tuples",
            "conditioning",
            "forward_only",
            "loss_surfaces",
        )
    },
    **{f"figure_{name}": 1 for name in FIGURES},
    "claims": 1,
    "costs": 1,
    "figures_pdf": 1,
    "report": 1,
    "crate": 1,
}


def test_full_paper_expands_over_grid_and_seed_blocks(project):
    trained = {
        # 6 dimensions x 6 blocks, 8 subset sizes x 4, 3 more architectures x 1, bits at 3 dimensions x 4
        "train_parity": 6 * 6 + 8 * 4 + 3 + 3 * 4,
        # approaches x lengths x seeds, more seeds on pairs, a longer run, longer tuples, three options
        "train_tuples": 2 * 4 * 3 + 5 + 1 + 2 + 3 * 3,
        "train_allocation": 2 * 6 * 4,  # approaches x numbers of stocks x blocks
        "train_curves": 7 * 2 + 4 * 1,  # methods x blocks, and four of them on the curves of the text
        "train_steps": 4 * 4,  # methods x blocks
    }
    over_seeds = {
        "diagnose_gradient_variance": 3,  # blocks
        "diagnose_snr": 5,  # blocks
        "diagnose_curve_steps": 4 * 2,  # numbers of points x blocks
    }
    assert project.planned(config=None) == {
        **FIXED,
        **trained,
        **over_seeds,
        "combine": 15,
        "combine_seeds": len(over_seeds),
    }


def test_smoke_has_every_rule_of_the_full_paper(project):
    assert set(project.planned(config="config/smoke.yaml")) == set(project.planned(config=None))


def test_smoke_writes_to_folders_of_its_own(project):
    table = project.snakemake("all", "--summary", config="config/smoke.yaml").stdout
    rows = [line.split("\t") for line in table.splitlines() if "\t" in line][1:]
    assert len(rows) > 25
    assert all(row[0].startswith("results/smoke/") for row in rows)


def test_runs_shared_by_sweeps_are_planned_once(project):
    jobs = project.planned()
    # 2 dimensions x 2 blocks; 2 subset sizes; 3 architectures and 1 encoding besides the shared defaults
    assert jobs["train_parity"] == 2 * 2 + 2 + 3 + 1


@pytest.mark.parametrize(
    "target", ["figure_parity", "claims", "report", "crate", "results/metrics/parity.nc"]
)
def test_named_targets(project, target):
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 0, done.stdout


def test_config_on_the_command_line_overrides_the_files(project):
    override = 'parity={"sweeps": {"parity": {"seeds": 7}}}'
    assert project.planned("--config", override)["train_parity"] > project.planned()["train_parity"]


def test_every_job_rule_has_log_benchmark_threads_and_resources(project):
    rules = [path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    blocks = [block for text in rules for block in re.split(r"\n *rule\b.*:\n", text)[1:]]
    assert len(blocks) == 10
    for block in blocks:
        for directive in ("log:", "benchmark:", "threads:", "resources:", "conda:", "message:", "script:"):
            assert f"    {directive}" in block, (directive, block[:40])
