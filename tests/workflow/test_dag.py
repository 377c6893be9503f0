"""The jobs that a configuration expands to."""

import pytest

from conftest import ROOT

FIXED = {
    "diagnose_realisability": 1,
    "claims": 1,
    "figure_parity": 1,
    "figure_parity_variants": 1,
    "figure_allocation": 1,
    "figure_curves": 1,
    "report": 1,
}


def test_full_paper_expands_over_grid_and_seed_blocks(project):
    jobs = project.planned(config=None)
    # 6 dimensions x 6 blocks, 8 subset sizes x 4, 3 more architectures x 1, bits at 3 dimensions x 4
    parity = 6 * 6 + 8 * 4 + 3 + 3 * 4
    allocation = 2 * 6 * 4  # approaches x numbers of stocks x blocks
    curves = 7 * 2 + 4 * 1  # methods x blocks, and four of them on the curves of the text
    trained = {"train_parity": parity, "train_allocation": allocation, "train_curves": curves}
    assert jobs == {**FIXED, "combine": 7, **trained}


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


@pytest.mark.parametrize("target", ["figure_parity", "claims", "report", "results/metrics/parity.nc"])
def test_named_targets(project, target):
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 0, done.stdout


def test_config_on_the_command_line_overrides_the_files(project):
    override = 'parity={"sweeps": {"parity": {"seeds": 7}}}'
    assert project.planned("--config", override)["train_parity"] > project.planned()["train_parity"]


def test_every_job_rule_has_log_benchmark_threads_and_resources(project):
    rules = [path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    blocks = [block for text in rules for block in text.split("\nrule ")[1:]]
    assert len(blocks) == 8
    for block in blocks:
        for directive in ("log:", "benchmark:", "threads:", "resources:", "conda:", "message:", "script:"):
            assert f"    {directive}" in block, (directive, block[:40])
