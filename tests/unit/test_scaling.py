"""What is told of the growth of costs, and of schedules: by hand on a few jobs."""

import pytest
import yaml

from conftest import ROOT
from gradient_failures import scaling
from gradient_failures.config.paper import validated
from gradient_failures.scaling import Job

PAPER = validated(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


def job(seconds, rule="diagnose_lemmas", point="", seeds=range(1)):
    return Job(rule, point, seeds, seconds)


def benchmark(folder, name, seconds, processor):
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}\n{seconds}\t0:00:01\t9\t1\t1\t1\t0\t0\t90\t{processor}\n")


def test_jobs_are_read_from_benchmark_files(tmp_path):
    benchmark(tmp_path, "train_parity/dim~5/seeds~4-7", 20, 15)
    benchmark(tmp_path, "train_tuples/approach~end_to_end+tuple_length~2/seeds~0-0", 900, 600)
    benchmark(tmp_path, "diagnose_lemmas", 3, 1)
    benchmark(tmp_path, "combine/parity", 3, 1)
    assert scaling.jobs_of(tmp_path) == [
        job(3),
        job(20, "train_parity", "dim~5", range(4, 8)),
        job(600 + scaling.SAMPLED_EVERY / 2, "train_tuples", "approach~end_to_end+tuple_length~2"),
    ]


def test_a_folder_without_benchmarks_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no benchmark files"):
        scaling.jobs_of(tmp_path)


def test_the_core_that_is_free_first_takes_the_next_job():
    plan = scaling.scheduled([job(3), job(1), job(1), job(2)], cores=2)
    assert [(core, start) for core, start, _ in plan] == [(0, 0), (1, 0), (1, 1), (1, 2)]
    assert scaling.makespan(plan) == 4


def test_jobs_with_most_samples_are_first_and_diagnostics_last():
    long = job(1, "train_tuples", "approach~end_to_end_long+tuple_length~3")
    short = job(1, "train_tuples", "approach~decomposition+tuple_length~3")
    parity = job(1, "train_parity", "dim~5", range(4))
    assert scaling.in_priority([job(1), short, parity, long], PAPER) == [long, parity, short, job(1)]


def test_samples_of_a_job_count_seeds_and_images():
    assert PAPER.parity.samples("dim~30", 4) == 50000 * 128 * 4
    assert PAPER.tuples.samples("approach~end_to_end_long+tuple_length~3", 1) == 60000 * 200 * 3


def test_sizes_show_the_least_disturbed_block_and_seeds_their_sum():
    jobs = [
        job(8, "train_parity", "dim~30", range(4)),
        job(12, "train_parity", "dim~30", range(4, 8)),
        job(4, "train_parity", "dim~5", range(4)),
        job(90, "train_parity", "dim~30+fixed_subset_size~3", range(4)),
    ]
    assert scaling.over_sizes(jobs, "train_parity/dim~{}") == ([5, 30], [1, 2])
    assert scaling.over_seeds(jobs, "train_parity/dim~30") == ([4, 8], [8, 20])


def test_the_table_tells_minutes_at_best_in_our_order_and_in_any(monkeypatch):
    """First, the long job takes its own time; last, it starts when half of the others are done."""
    monkeypatch.setattr(scaling, "CORES", (2,))
    long = job(600, "train_tuples", "approach~end_to_end_long+tuple_length~3")
    others = [job(120)] * 5
    heading, _, row = scaling.table([*others, long], PAPER).splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")][:4] == ["2", "10 min", "10 min", "100%"]
    assert row.endswith("| 14 min |")
    assert heading.count("|") == row.count("|")


def test_the_command_draws_both_figures_and_prints_the_table(tmp_path, capsys):
    sizes = [pattern.format(2) for lines in scaling.LINES.values() for pattern in lines.values()]
    for point in {*sizes, *scaling.SEEDS.values()}:
        benchmark(tmp_path, f"{point}/seeds~0-3", 60, 50)
    assert scaling.main([str(tmp_path), str(tmp_path), "--config", str(ROOT / "config/config.yaml")]) == 0
    assert {"scaling.png", "schedule.png"} <= {path.name for path in tmp_path.iterdir()}
    assert [line[:4] for line in capsys.readouterr().out.splitlines()[2:]] == ["| 2 ", "| 4 ", "| 8 ", "| 16"]
