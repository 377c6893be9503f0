"""The cost of a run, from benchmark files as Snakemake writes them."""

import pytest

from gradient_failures import costs, dataset

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


def benchmark(folder, name, *attempts):
    """A benchmark file with one row of seconds, processor seconds and MiB for each attempt."""
    path = folder / f"{name}.tsv"
    rows = [f"{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t90\t{cpu}" for seconds, cpu, memory in attempts]
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return str(path)


def test_the_costs_of_a_rule_are_sums_and_largest_values_over_its_jobs(tmp_path):
    table = costs.table(
        {
            "train": [
                benchmark(tmp_path, "one", (10.5, 9, 200)),
                benchmark(tmp_path, "two", (4.5, 3, 300.25)),
            ],
            "claims": [benchmark(tmp_path, "claims", (2, 1, 150))],
        }
    )
    assert table["rule"].values.tolist() == ["train", "claims"]
    assert table["jobs"].values.tolist() == [2, 1]
    assert table["core_seconds"].values.tolist() == [15, 2]
    assert table["cpu_seconds"].values.tolist() == [12, 1]
    assert table["longest_job"].values.tolist() == [10.5, 2]
    assert table["peak_memory"].values.tolist() == [300.25, 150]
    dataset.write(table, tmp_path / "costs.nc", {"title": "costs"})


def test_the_last_attempt_counts(tmp_path):
    table = costs.table({"train": [benchmark(tmp_path, "one", (1, 1, 100), (3, 2, 50))]})
    assert table["core_seconds"].item() == 3
    assert table["peak_memory"].item() == 50


def test_what_was_never_sampled_is_zero(tmp_path):
    table = costs.table({"train": [benchmark(tmp_path, "one", (0.1, "NA", "NA"))]})
    assert table["peak_memory"].item() == table["cpu_seconds"].item() == 0


def test_a_benchmark_without_a_row_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="empty"):
        costs.table({"train": [benchmark(tmp_path, "empty")]})
