"""What the profile for SLURM would submit; tests/slurm runs it."""

import re
from collections import Counter

import pytest

pytest.importorskip("snakemake_executor_plugin_slurm", reason="make test installs what SLURM needs")

BLOCKS = {
    "train_parity": 6 * 2 + 8 * 1 + 3 + 1 + 3,  # those of 24, 16 and 4 seeds; d = 30 has one of each
    "train_tuples": 2 * 4 + 2 + 1 + 2 + 3,
    "train_allocation": 2 * 6,
    "train_curves": 7 + 4,
    "train_steps": 4,
    "diagnose_gradient_variance": 1,
    "diagnose_snr": 1,
    "diagnose_curve_steps": 4,
}
SUBMISSIONS = {
    "parity": 5,
    "allocation": 1,
    "curves": 2,
    "steps": 1,
    "diagnostics": 2,
    "figures": 16,
    "report": 1,
}


def test_full_paper_is_few_jobs_of_large_blocks(project):
    profile = ["--workflow-profile", "profiles/slurm", "--dry-run"]
    plan = project.snakemake("all", *profile, config=None).stdout
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", plan, flags=re.MULTILINE)}
    assert {rule: jobs[rule] for rule in BLOCKS} == BLOCKS
    assert Counter(re.findall(r"Group job (\w+)", plan)) == SUBMISSIONS
