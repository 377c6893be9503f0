"""The cost of a run, from files as Snakemake writes them."""

import pytest

from gradient_failures.report import costs
from gradient_failures.report.costs import cost_dataset, cost_rows, duration, totals
from gradient_failures.results import dataset

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


def measurement(folder, name, *attempts):
    """The file of a job with one row of seconds, CPU seconds and MiB for each attempt."""
    path = folder / f"{name}.tsv"
    rows = [f"{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t90\t{cpu}" for seconds, cpu, memory in attempts]
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return str(path)


@pytest.fixture
def table(tmp_path):
    return cost_dataset(
        {
            "compute": [
                measurement(tmp_path, "one", (10.5, 9, 200)),
                measurement(tmp_path, "two", (94.5, 63, 300.25)),
            ],
            "claims": [measurement(tmp_path, "claims", (2, 1, "NA"))],
        }
    )


def test_the_costs_of_a_rule_are_sums_and_largest_values_over_its_jobs(table, tmp_path):
    assert table["rule"].values.tolist() == ["compute", "claims"]
    assert table["jobs"].values.tolist() == [2, 1]
    assert table["core_seconds"].values.tolist() == [105, 2]
    assert table["cpu_seconds"].values.tolist() == [72, 1]
    assert table["longest_job"].values.tolist() == [94.5, 2]
    assert table["peak_memory"].values.tolist() == [300.25, 0]
    dataset.write(table, tmp_path / "costs.nc", {"title": "costs"})


def test_the_costs_are_shown_by_rule_with_units_and_the_device(table):
    assert cost_rows(table, {"compute": "cuda"}) == [
        ["compute", "2", "1.8 min", "1.2 min", "1.6 min", "300 MiB", "cuda"],
        ["claims", "1", "2 s", "1 s", "2 s", "–", "cpu"],
    ]


def test_totals_are_over_all_rules_and_over_those_that_compute(table):
    assert totals(table, ["compute"]) == {
        "jobs": 3,
        "core_seconds": 107,
        "longest_job": 94.5,
        "jobs_computing": 2,
        "core_seconds_computing": 105,
    }


def test_the_last_attempt_counts(tmp_path):
    assert costs.measured(tmp_path / measurement(tmp_path, "one", (1, 1, 100), (3, 2, 50))) == {
        "seconds": 3,
        "cpu": 2,
        "memory": 50,
    }


def test_what_was_never_sampled_is_zero(tmp_path):
    table = cost_dataset({"compute": [measurement(tmp_path, "one", (0.1, "NA", "NA"))]})
    assert table["peak_memory"].item() == table["cpu_seconds"].item() == 0


def test_a_file_without_a_row_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="empty"):
        cost_dataset({"compute": [measurement(tmp_path, "empty")]})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12.3, "12 s"), (59.4, "59 s"), (90, "1.5 min"), (3599, "60.0 min"), (18360, "5.1 h")],
)
def test_durations_have_the_unit_that_suits_them(seconds, words):
    assert duration(seconds) == words
