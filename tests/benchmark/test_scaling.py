"""What is told of the growth of costs, and of schedules: by hand on a few jobs."""

import pytest
import yaml

from benchmarks import scaling
from benchmarks.scaling import Job
from conftest import ROOT
from gradient_failures.config.grids import Run
from gradient_failures.config.paper import validated
from gradient_failures.results import plotting

CONFIG = ROOT / "config/config.yaml"
PAPER = validated(yaml.safe_load(CONFIG.read_text()))
RULES = {computation.rule: computation for computation in PAPER.computations}
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


def job(seconds, rule="compute_tuples_lemmas", point="default", seeds=range(5)):
    points = {point.name: point for points in RULES[rule].points.values() for point in points}
    return Job(rule, Run(points[point], tuple(seeds)), seconds)


def parity(seconds, point="dim~5", seeds=range(4)):
    return job(seconds, "compute_parity_experiment", point, seeds)


def tuples(seconds, point, seeds=(0,)):
    return job(seconds, "compute_tuples_experiment", point, seeds)


LONG = "steps~60000+approach~end_to_end+tuple_length~3"


def write_costs(logs, seconds, cpu, rule, run):
    path = logs / rule / f"{run.path}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}\n{seconds}\t0:00:01\t9\t1\t1\t1\t0\t0\t90\t{cpu}\n")


@pytest.fixture
def logs(tmp_path):
    """The costs of a full run, whose long jobs, those of tuples, were disturbed."""
    for rule, computation in RULES.items():
        for run in computation.all_runs.values():
            seconds, cpu = (900, 600) if rule == "compute_tuples_experiment" else (20, 15)
            write_costs(tmp_path, seconds, cpu, rule, run)
    return tmp_path


def test_jobs_are_those_of_the_configuration_with_what_they_took(logs):
    jobs = scaling.jobs_of(logs, PAPER)
    assert len(jobs) == sum(len(computation.all_runs) for computation in PAPER.computations)
    assert parity(20, "dim~30", range(4, 8)) in jobs
    assert {one.seconds for one in jobs if one.rule == "compute_tuples_experiment"} == {
        600 + scaling.SAMPLED_EVERY / 2
    }


def test_a_run_that_is_not_finished_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"tsv: no such file. Finish the run"):
        scaling.jobs_of(tmp_path, PAPER)


def test_the_core_that_is_free_first_takes_the_next_job():
    plan = scaling.scheduled([job(3), job(1), job(1), job(2)], cores=2)
    assert [(core, start) for core, start, _ in plan] == [(0, 0), (1, 0), (1, 1), (1, 2)]
    assert scaling.makespan(plan) == 4


def test_jobs_with_most_samples_are_first_and_measurements_last():
    long, short = tuples(1, LONG), tuples(1, "approach~decomposition+tuple_length~3")
    ordered = scaling.in_priority([job(1), short, parity(1), long])
    assert ordered == [long, parity(1), short, job(1)]
    assert [one.priority for one in ordered] == [60000 * 200 * 3, 50000 * 128 * 4, 2500 * 200 * 3, 0]


def test_sizes_show_the_least_disturbed_block_and_seeds_the_sum_of_the_dearest_point():
    jobs = [
        parity(8, "dim~30"),
        parity(12, "dim~30", range(4, 8)),
        parity(4),
        parity(90, "dim~30+fixed_subset_size~3"),
    ]
    assert scaling.over_sizes(jobs, RULES["compute_parity_experiment"], "dim") == {"": {5: 1, 30: 2}}
    assert scaling.over_seeds(jobs, "compute_parity_experiment") == {4: 8, 8: 20}
    lines = [tuples(9, f"approach~{approach}+tuple_length~2") for approach in ("end_to_end", "decomposition")]
    lines = scaling.over_sizes(lines, RULES["compute_tuples_experiment"], "tuple_length")
    assert lines == {"end to end": {2: 9}, "decomposition": {2: 9}}


def test_the_table_tells_minutes_at_best_in_our_order_and_in_any(monkeypatch):
    """First, the long job takes its own time; last, it starts when half of the others are done."""
    monkeypatch.setattr(scaling, "CORES", (2,))
    heading, _, row = scaling.table([*[job(120)] * 5, tuples(600, LONG)]).splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")][:4] == ["2", "10 min", "10 min", "100%"]
    assert row.endswith("| 14 min |")
    assert heading.count("|") == row.count("|")


def test_costs_are_drawn_over_every_axis_of_numbers_in_the_colours_of_all_figures(logs):
    figure = scaling.draw_costs(scaling.jobs_of(logs, PAPER), PAPER)
    *sizes, seeds = [axes for axes in figure.axes if axes.lines]
    lines = {axes.get_xlabel(): {line.get_label(): line for line in axes.lines} for axes in sizes}
    of_tuples = lines.pop("images in a tuple, k")
    assert list(lines) == ["input dimension d", "number of stocks k", "points n of a curve"]
    assert list(of_tuples["decomposition"].get_xdata()) == [1, 2, 3, 4, 5, 6]
    colours = [line.get_color() for line in of_tuples.values()]
    assert colours == [plotting.VERMILION, plotting.BLUE]
    assert [line.get_label() for line in seeds.lines] == [
        scaling.called(computation.rule) for computation in PAPER.computations if computation.trains
    ]


def test_the_command_draws_both_figures_and_prints_the_table(logs, tmp_path, capsys):
    assert scaling.main([str(logs), str(tmp_path), "--config", str(CONFIG)]) == 0
    assert {"scaling.png", "schedule.png"} <= {path.name for path in tmp_path.iterdir()}
    assert [line[:4] for line in capsys.readouterr().out.splitlines()[2:]] == ["| 2 ", "| 4 ", "| 8 ", "| 16"]
