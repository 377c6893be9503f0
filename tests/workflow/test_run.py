"""A real run, at tiny sizes, from the configuration to the report."""

import json

import xarray as xr

from conftest import FIGURES
from gradient_failures import dataset


def metrics(project):
    return {
        path.stem: dataset.read(path) for path in sorted((project.folder / "results/metrics").glob("*.nc"))
    }


def test_every_output_is_there(finished):
    results = finished.folder / "results"
    for figure in FIGURES:
        for suffix in ("svg", "png", "pdf"):
            assert (results / f"figures/{figure}.{suffix}").stat().st_size > 1000
    assert (results / "claims.json").exists()
    for name in ("costs.nc", "report/index.html", "report/summary.md", "report/figures.pdf"):
        assert (results / name).exists()
    assert (results / "ro-crate-metadata.json").exists()
    assert not list(results.rglob(".*.nc"))


def test_every_metrics_file_keeps_the_contract(finished):
    found = metrics(finished)
    assert set(found) == {
        "allocation",
        "curves",
        "curves_text",
        "parity",
        "parity_architecture",
        "parity_encoding",
        "parity_subset_size",
        "estimator_noise",
        "conditioning",
        "curve_steps",
        "forward_only",
        "gaussian_tuples",
        "gradient_variance",
        "image_ceiling",
        "lemmas",
        "linear_periodic",
        "loss_surfaces",
        "realisability",
        "snr",
        "steps",
        "tuples",
        "tuples_initial_scale",
        "tuples_long",
        "tuples_longer",
        "tuples_pairs",
        "tuples_rasterisation",
        "tuples_training_set",
    }
    for result in found.values():
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


def test_combined_curves_have_the_promised_dimensions(finished):
    curves = dataset.read(
        finished.folder / "results/metrics/curves.nc",
        {
            "loss": ("method", "seed", "step"),
            "decode_error": ("method", "seed", "step"),
            "kink_error": ("method", "seed", "step"),
            "example_curve": ("method", "seed", "example", "x"),
            "decoded_example": ("method", "seed", "snapshot", "example", "x"),
        },
    )
    assert curves["snapshot"].values.tolist() == [20, 40]
    assert curves["x"].values.tolist() == list(range(100))


def test_runs_shared_by_two_sweeps_are_the_same_numbers(finished):
    found = metrics(finished)
    default = found["parity_architecture"]["accuracy"].sel(dim=5, architecture="10d", drop=True)
    assert default.equals(found["parity"]["accuracy"].sel(dim=5, seed=[0, 1], drop=True))


def test_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.run()


def test_two_runs_are_bit_identical_whatever_the_seed_blocks(finished, project):
    project.edit("config/tiny.yaml", "seeds_per_job: 2", "seeds_per_job: 3")
    names = ["parity", "allocation", "tuples_pairs", "steps", "curves_text", "lemmas"]
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
    log = (finished.folder / "logs/train_parity/dim~5/seeds~0-1.log").read_text()
    assert "step 60 of 60" in log
    assert "loss" in log
    assert "steps/s" in log
    assert "s left" in log


def test_jobs_are_looked_for_when_one_has_ended_and_not_again_and_again(project):
    """By its default rate limit Snakemake would, every second once for each job that has ended."""
    done = project.snakemake("results/metrics/parity.nc", "--cores", "1", "--verbose")
    assert done.returncode == 0, done.stdout
    jobs = done.stdout.count("Finished jobid")
    assert jobs > 3
    assert done.stdout.count("Ready jobs") <= jobs + 1
