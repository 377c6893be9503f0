"""A real run, at tiny sizes, from the configuration to the report."""

import json

import xarray as xr

from gradient_failures.config.problem import problems
from gradient_failures.results import dataset
from tiny_runs import tiny_config

PAPER = tiny_config()


def metrics(project):
    return {
        path.stem: dataset.read(path) for path in sorted((project.folder / "results/metrics").glob("*.nc"))
    }


def test_every_output_is_there(finished):
    results = finished.folder / "results"
    drawn = [name for problem in problems().values() for name in problem.figures]
    for figure in [*drawn, "grids/curves_text"]:
        for suffix in ("svg", "png", "pdf"):
            assert (results / f"figures/{figure}.{suffix}").stat().st_size > 1000
    for name in ("claims.json", "costs.nc", "report/summary.md", "report/figures.pdf"):
        assert (results / name).exists()
    assert (results / "report/index.html").exists()
    assert (results / "ro-crate-metadata.json").exists()
    assert not list(results.rglob(".*.nc"))


def test_every_grid_has_its_file_with_its_axes_first_and_the_contract_kept(finished):
    found = metrics(finished)
    assert set(found) == set(PAPER.grids)
    for name, result in found.items():
        axes = PAPER.grids[name].axes(name)
        for variable in result.data_vars.values():
            assert variable.dims[: len(axes)] == tuple(axes)
        for attribute in ("title", "source", "history", "references", "git_commit", "code_hash", "lock_hash"):
            assert result.attrs[attribute]


def test_combined_parity_has_the_promised_dimensions(finished):
    parity = dataset.read(
        finished.folder / "results/metrics/parity.nc",
        {
            "accuracy": ("dim", "seed", "step"),
            "loss": ("dim", "seed", "step"),
            "subset_size": ("dim", "seed"),
        },
    )
    assert parity["dim"].values.tolist() == [3, 5]
    assert parity["seed"].values.tolist() == [0, 1, 2]
    assert parity["step"].values.tolist() == [0, 20, 40, 60]
    assert parity["dim"].attrs == {"long_name": "input dimension d", "units": "1"}


def test_a_run_says_all_settings_that_it_was_made_with(finished):
    run = dataset.read(
        finished.folder / "results/runs/allocation/experiment/approach~end_to_end+n_stocks~3/seeds~0-1.nc"
    )
    at = {name: run[name].item() for name in ("approach", "n_stocks", "steps", "optimiser.epsilon")}
    assert at == {"approach": "end_to_end", "n_stocks": 3, "steps": 40, "optimiser.epsilon": 1e-5}
    assert all({"long_name", "units"} <= set(run[name].attrs) for name in run.coords)


def test_runs_shared_by_two_grids_are_the_same_numbers(finished):
    found = metrics(finished)
    default = found["parity_architecture"]["accuracy"].sel(dim=5, architecture="10d", drop=True)
    assert default.equals(found["parity"]["accuracy"].sel(dim=5, seed=[0, 1], drop=True))


def test_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.run()


def test_two_runs_are_bit_identical_whatever_the_seed_blocks(finished, project):
    tiny = (project.folder / "config/tiny.yaml").read_text()
    project.write("config/tiny.yaml", tiny.replace("seeds_per_job: 2", "seeds_per_job: 3"))
    names = ["parity", "allocation", "tuples_pairs", "flat_activations", "curves_text", "lemmas"]
    project.run(*(f"results/metrics/{name}.nc" for name in names))
    first, second = metrics(finished), metrics(project)
    assert sorted(second) == sorted(names)
    for name in names:
        xr.testing.assert_identical(first[name].drop_attrs(deep=False), second[name].drop_attrs(deep=False))


def test_figures_are_identical_bytes_when_redrawn(finished_copy):
    figure = finished_copy.folder / "results/figures/parity.svg"
    before = figure.read_bytes()
    finished_copy.run("--force", "results/figures/parity.svg")
    assert figure.read_bytes() == before


def test_verdicts_cover_every_claim_and_are_marked_reduced(finished):
    results = json.loads((finished.folder / "results/claims.json").read_text())["results"]
    verdicts = {result["claim"]["id"]: result for result in results}
    assert len(verdicts) == len(results) > 10
    assert verdicts["parity-d5-learnt"]["verdict"] == "INCONCLUSIVE"
    assert verdicts["parity-d5-learnt"]["reduced"]
    assert verdicts["parity-d30-not-learnt"]["verdict"] == "NOT RUN"
    assert verdicts["parity-realisable"]["verdict"] == "REPRODUCED"


def test_training_log_reports_step_loss_rate_and_time_left(finished):
    log = (finished.folder / "logs/compute_parity_experiment/dim~5/seeds~0-1.log").read_text()
    assert "step 60 of 60" in log
    assert "loss" in log
    assert "steps/s" in log
    assert "s left" in log
