"""Disks that are full or cannot be written to: that is said, and the same command goes on."""

import shutil
import subprocess

from conftest import mounted
from faults.conftest import METRICS, SIGNS, assert_same_data


def test_a_full_disk_leaves_no_half_result(trained, trained_copy, assert_seen):
    """The results are a link to a disk of their own."""
    results = trained_copy.folder / "results"
    shutil.rmtree(results)
    with mounted(trained_copy.folder / "disk", "-t", "tmpfs", "-o", "size=24k", "tmpfs") as disk:
        results.symlink_to(disk)
        done = trained_copy.snakemake(SIGNS)
        assert done.returncode != 0
        assert_seen(done.stdout)
        assert not list(results.rglob("*.nc"))

        subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
        trained_copy.run(SIGNS)
        assert_same_data(trained_copy, trained, SIGNS)
        assert sorted(path.name for path in results.rglob("*") if path.is_file()) == ["seeds~0-1.nc"]


def test_results_that_cannot_be_written_to_are_named_before_any_job(trained, trained_copy, assert_seen):
    results = trained_copy.folder / "results"
    with mounted(results, "--bind", results):
        subprocess.run(["mount", "-o", "remount,ro,bind", results], check=True)
        replaced = trained_copy.snakemake("--force", METRICS)
        added = trained_copy.snakemake("results/metrics/parity_subset_size.nc")
    for done in (replaced, added):
        assert done.returncode != 0
        assert "Traceback" not in done.stdout
    assert_seen(replaced.stdout + added.stdout)
    assert_same_data(trained_copy, trained)
    trained_copy.run(METRICS)
