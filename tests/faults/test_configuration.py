"""A mistake in the configuration stops the run before any job, with one line that says what to change."""

import pytest
import torch

PARITY = "src/gradient_failures/problems/parity"

OVERLAY = """
parrity: {}
flat_activations:
pathvars: {result: x, results: ../elsewhere}
parity:
  experiment:
    setting: {steps: 10}
    grids:
      parity: {seeds: 0}
      ../../x: {dim: [5], seeds: 1}
"""
MISTAKES = [
    "parrity: unknown key; did you mean 'parity'?",
    "flat_activations: None is not allowed: input should be a dictionary",
    "pathvars.result: unknown key; did you mean 'results'?",
    "pathvars.results: '../elsewhere' is not allowed: it should be a folder of its own inside the project",
    "parity.experiment.setting: unknown key; did you mean 'settings'?",
    "parity.experiment.grids.parity.seeds: 0 is not allowed",
    "parity.experiment.grids.../../x: '../../x' is not allowed",
]

SETTINGS = """
parity:
  experiment:
    settings: {step: 10, steps: many}
    grids:
      parity: {dim: [0], dims: [5]}
"""
MISTAKES_IN_SETTINGS = [
    "parity.experiment.settings.step: unknown key; did you mean 'steps'?",
    "parity.experiment.settings.steps: 'many' is not allowed: input should be a valid integer",
    "parity.experiment.grids.parity.dim: 0 is not allowed",
    "parity.experiment.grids.parity.dims: unknown key; did you mean 'dim'?",
]


def refusal(project, config=None):
    done = project.snakemake("all", config=config)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert not (project.folder / "results").exists()
    return done.stdout


def test_mistakes_are_explained_before_any_job(project, assert_seen):
    project.write("config/mine.yaml", OVERLAY)
    output = refusal(project, "config/mine.yaml")
    assert_seen(output)
    for message in MISTAKES:
        assert message in output
    project.write("config/mine.yaml", SETTINGS)
    output = refusal(project, "config/mine.yaml")
    for message in MISTAKES_IN_SETTINGS:
        assert message in output


def test_claims_that_fit_no_data_are_explained_before_any_job(project, assert_seen):
    project.edit(f"{PARITY}/claims.yaml", "data: parity\n", "data: paritty\n")
    assert_seen(refusal(project))


def test_an_unreadable_file_is_named_before_any_job(project, assert_seen):
    project.write(f"{PARITY}/published.yaml", "a: [")
    assert_seen(refusal(project))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_missing_is_named_by_the_jobs_that_train(project, assert_seen):
    done = project.snakemake("results/metrics/parity_encoding.nc", "--config", "device=cuda")
    assert done.returncode != 0
    assert_seen(done.stdout)
    assert not (project.folder / "results/runs").exists()


def test_a_missing_overlay_is_named(project, assert_seen):
    """Snakemake reads it, with a traceback of its own."""
    done = project.snakemake("all", config="config/none.yaml")
    assert done.returncode != 0
    assert_seen(done.stdout)


def test_an_overlay_that_would_run_code_is_refused_and_runs_none(project, assert_seen):
    project.write("config/mine.yaml", "parity: !!python/object/apply:os.system ['touch attacked']")
    assert_seen(refusal(project, "config/mine.yaml"))
    assert not (project.folder / "attacked").exists()
