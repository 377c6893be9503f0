"""A mistake in the configuration stops the run before any job, with one line that says what to change."""

import pytest

MISTAKES = [
    ("parity: {training: {step: 10}}", "parity.training.step: unknown key; did you mean 'steps'?"),
    ("parrity: {}", "parrity: unknown key; did you mean 'parity'?"),
    (
        "parity: {sweeps: {parity: {dims: [5]}}}",
        "parity.sweeps.parity.dims: unknown key; did you mean 'dim'?",
    ),
    (
        "parity: {training: {steps: many}}",
        "parity.training.steps: 'many' is not allowed: input should be a valid integer",
    ),
    (
        "parity: {training: {eval_every: 90000}}",
        "parity.training: eval_every 90000 is larger than steps 50000",
    ),
    ("parity: {sweeps: {parity: {dim: [0]}}}", "parity.sweeps.parity.dim.0: 0 is not allowed"),
    ("parity: {sweeps: {parity: {seeds: 0}}}", "parity.sweeps.parity.seeds: 0 is not allowed"),
    (
        "parity: {sweeps: {parity: {dim: [5, 5]}}}",
        "parity.sweeps.parity.dim: [5, 5] is not allowed: lists 5 more than once",
    ),
    (
        "parity: {sweeps: {parity_subset_size: {fixed_subset_size: [31]}}}",
        "parity.sweeps.parity_subset_size: fixed_subset_size 31 is larger than dim 30; allowed: 0 to 30",
    ),
    ("parity: {sweeps: {../../x: {dim: [5], seeds: 1}}}", "parity.sweeps.../../x: '../../x' is not allowed"),
    (
        "parity: {sweeps: {parrity: {seeds: 50}}}",
        "parity.sweeps.parrity.dim: this key is missing (a new sweep needs it; did you mean one",
    ),
    ("parity: {sweeps: {parity: {input_encoding: [signs]}}}", "sweeps.parity must have the axes dim for"),
    ("parity:", "parity: None is not allowed: input should be a dictionary"),
    ("pathvars: {result: x}", "pathvars.result: unknown key; did you mean 'results'?"),
]


@pytest.mark.parametrize(("overlay", "message"), MISTAKES)
def test_mistake_is_explained_before_any_job(project, overlay, message):
    project.write("config/mine.yaml", overlay)
    done = project.snakemake("all", config="config/mine.yaml")
    assert done.returncode != 0
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.folder / "results").exists()


def test_mistake_in_the_claims_is_explained_before_any_job(project):
    project.edit("config/claims.yaml", "criterion:", "criterium:")
    done = project.snakemake("all")
    assert done.returncode != 0
    assert "claims.0.criterium: unknown key; did you mean 'criterion'?" in done.stdout
    assert not (project.folder / "results").exists()


CLAIM_MISTAKES = [
    (
        "data: parity\n",
        "data: paritty\n",
        "parity-d5-learnt.data paritty: unknown file; did you mean 'parity'?",
    ),
    ("[{dim: 5}]", "[{dimm: 5}]", "claims.parity-d5-learnt.select dimm: unknown key; did you mean 'dim'?"),
    ("{level: 0.99}", "{}", "claims.0: success_rate takes the options ['level']; given are []"),
    ("[{dim: 5}]", "[{dim: [5, 10]}]", "claims.0: success_rate takes one value of each axis"),
]


@pytest.mark.parametrize(("old", "new", "message"), CLAIM_MISTAKES)
def test_claims_that_fit_no_data_are_explained_before_any_job(project, old, new, message):
    project.edit("config/claims.yaml", old, new)
    done = project.snakemake("all")
    assert done.returncode != 0
    assert message in done.stdout
    assert not (project.folder / "results").exists()


@pytest.mark.parametrize("name", ["claims", "published", "deviations"])
@pytest.mark.parametrize(("text", "message"), [("a: [", "is not YAML"), ("", "is empty")])
def test_an_unreadable_file_is_named_before_any_job(project, name, text, message):
    project.write(f"config/{name}.yaml", text)
    done = project.snakemake("all")
    assert done.returncode != 0
    assert f"config/{name}.yaml: {message}" in done.stdout
    assert "Traceback" not in done.stdout


def test_missing_config_file_is_named(project):
    done = project.snakemake("all", config="config/none.yaml")
    assert done.returncode != 0
    assert "config/none.yaml" in done.stdout
