"""What the profile for SLURM would submit; tests/slurm runs it."""

import re
from collections import Counter

import pytest

pytest.importorskip("snakemake_executor_plugin_slurm", reason="make test installs what SLURM needs")

BLOCKS = {
    "compute_parity_experiment": 6 * 2 + 8 * 1 + 3 + 1 + 3,  # those of 24, 16 and 4 seeds; d = 30 has each
    "compute_tuples_experiment": 2 * 4 + 2 + 1 + 2 + 3,
    "compute_allocation_experiment": 2 * 6,
    "compute_curves_experiment": 7 + 4,
    "compute_flat_activations_experiment": 4,
    "compute_parity_gradient_variance": 1,
    "compute_tuples_snr": 1,
    "compute_curves_sgd_steps": 4,
}
SUBMISSIONS = {
    "parity": 5,
    "allocation": 1,
    "curves": 2,
    "flat_activations": 1,
    "measurements": 2,
    "report": 1,
}


def test_full_paper_is_few_jobs_of_large_blocks(project):
    profile = ["--workflow-profile", "profiles/slurm", "--dry-run"]
    plan = project.snakemake("all", *profile, config=None).stdout
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", plan, flags=re.MULTILINE)}
    assert {rule: jobs[rule] for rule in BLOCKS} == BLOCKS
    groups = Counter(re.findall(r"Group job (\w+)", plan))
    assert groups.pop("figures") <= jobs["combine"]
    assert groups == SUBMISSIONS
