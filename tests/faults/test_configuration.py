"""A mistake in the configuration stops the run before any job, with one line that says what to change."""

OVERLAY = """
parrity: {}
steps:
pathvars: {result: x, results: ../elsewhere}
parity:
  training: {step: 10, steps: many}
  sweeps:
    parity: {dim: [0], dims: [5], seeds: 0}
    ../../x: {dim: [5], seeds: 1}
    parrity: {seeds: 50}
"""
MISTAKES = [
    "parrity: unknown key; did you mean 'parity'?",
    "steps: None is not allowed: input should be a dictionary",
    "pathvars.result: unknown key; did you mean 'results'?",
    "pathvars.results: '../elsewhere' is not allowed: it should be a folder of its own inside the project",
    "parity.training.step: unknown key; did you mean 'steps'?",
    "parity.training.steps: 'many' is not allowed: input should be a valid integer",
    "parity.sweeps.parity.dim.0: 0 is not allowed",
    "parity.sweeps.parity.dims: unknown key; did you mean 'dim'?",
    "parity.sweeps.parity.seeds: 0 is not allowed",
    "parity.sweeps.../../x: '../../x' is not allowed",
    "parity.sweeps.parrity.dim: this key is missing (a new sweep needs it; did you mean one",
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


def test_claims_that_fit_no_data_are_explained_before_any_job(project, assert_seen):
    project.edit("config/claims.yaml", "data: parity\n", "data: paritty\n")
    assert_seen(refusal(project))


def test_an_unreadable_file_is_named_before_any_job(project, assert_seen):
    project.write("config/published.yaml", "a: [")
    assert_seen(refusal(project))


def test_a_card_that_is_missing_is_named_before_any_job(project, assert_seen):
    project.write("config/mine.yaml", "device: cuda")
    assert_seen(refusal(project, "config/mine.yaml"))


def test_a_missing_overlay_is_named(project, assert_seen):
    """Snakemake reads it, with a traceback of its own."""
    done = project.snakemake("all", config="config/none.yaml")
    assert done.returncode != 0
    assert_seen(done.stdout)


def test_an_overlay_that_would_run_code_is_refused_and_runs_none(project, assert_seen):
    project.write("config/mine.yaml", "parity: !!python/object/apply:os.system ['touch attacked']")
    assert_seen(refusal(project, "config/mine.yaml"))
    assert not (project.folder / "attacked").exists()
