# The only Python of the rules: the validated configuration, the grid it spans, and what each script depends on.

import gc
import os
import sys
from pathlib import Path

PROJECT = Path(workflow.basedir)
PACKAGE = PROJECT / "src"

# The objects of a DAG all stay: of 10 000 jobs, looking for garbage among them takes a tenth of the time.
gc.set_threshold(1_000_000)

# Jobs find the package from here, in whatever environment or on whatever node they run.
sys.path.insert(0, str(PACKAGE))
os.environ.update(PYTHONPATH=str(PACKAGE))

from gradient_failures import files, imports, previous
from gradient_failures.config.base import seed_blocks
from gradient_failures.config.claims import check_data, validated_claims
from gradient_failures.config.errors import ConfigError
from gradient_failures.config.files import read_yaml
from gradient_failures.config.paper import validated
from gradient_failures.config.seeded import SeededDiagnostic

LOCK = "requirements.lock"
PUBLISHED = "config/published.yaml"
SOURCES = [
    "config/config.yaml",
    "environment.yml",
    *sorted(
        str(path)
        for folder in ("src/gradient_failures", "workflow")
        for path in Path(folder).rglob("[!.]*.*")
        if path.suffix != ".pyc"
    ),
]

try:
    PAPER = validated(config)
    CLAIMS = validated_claims(read_yaml("config/claims.yaml"))
    check_data(CLAIMS, PAPER.files())
    for facts in [PUBLISHED, "config/deviations.yaml"]:
        read_yaml(facts)
except ConfigError as error:
    raise WorkflowError(f"The configuration cannot be run.\n{error}")

SWEEPS = {
    sweep: experiment
    for experiment, part in PAPER.experiments().items()
    for sweep in part.sweeps
}
SEEDED = {
    name: part
    for name, part in PAPER.diagnostics().items()
    if isinstance(part, SeededDiagnostic)
}
METRICS = expand("<results>/metrics/{name}.nc", name=[*SWEEPS, *PAPER.diagnostics()])
RESULTS = Path(PAPER.pathvars.results)
REPORT = RESULTS / "report/index.html"
CARD = {"gpu": 1} if PAPER.device.startswith("cuda") else {}
FIGURE_FORMATS = ["svg", "png", "pdf"]


def code_of(script, *modules):
    """For the input of a rule: the files of a script and of all package modules it imports, directly or not."""
    program = PROJECT / "workflow/scripts" / f"{script}.py"
    named = [f"gradient_failures.{module}" for module in modules]

    def of_job(wildcards):
        files = imports.sources(program, PACKAGE, named)
        return sorted(str(file.relative_to(PROJECT)) for file in files)

    return of_job


def keep_previous_results():
    """Copy what the jobs of this run will replace; a WorkflowError if there is no writing to its folders."""
    jobs = workflow.dag.needrun_jobs()
    try:
        for _, folder in PAPER.pathvars:
            files.require_writable(folder)
        previous.keep((output for job in jobs for output in job.output), RESULTS)
    except OSError as error:
        raise WorkflowError(
            f"Results cannot be written: {error}. Put that right, then give the same command again."
        )


def lift_default_rate_limit():
    """Start any number of jobs a second, unless the command or the profile says how many.

    While there is a limit, Snakemake 9 looks for jobs once in its time span for each job that has ended so far
    (see its pull request 3744). By its default, 100 in a second, this took a fifth of a core after 22 of 172 jobs.
    """
    limiter = getattr(workflow.scheduler, "job_rate_limiter", None)
    if limiter and (limiter.max_jobs, limiter.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def require_device():
    """A WorkflowError if jobs of this run would train here, on a device that is not here."""
    if PAPER.device == "cpu" or not workflow.local_exec:
        return
    jobs = workflow.dag.needrun_jobs()
    if not any(job.rule.name.startswith("train_") for job in jobs):
        return
    from gradient_failures import device  # here, since torch takes seconds to import

    try:
        device.find(PAPER.device)
    except device.DeviceError as error:
        raise WorkflowError(f"No training here: {error}.")


def experiment_of(name):
    """The configuration of the experiment that the sweep ``name`` belongs to."""
    return getattr(PAPER, SWEEPS[name])


def sweep_of(name):
    """The configuration of the sweep ``name``."""
    return experiment_of(name).sweeps[name]


def runs_of(name):
    """The training results that make up the sweep ``name``, in grid order, seeds running fastest."""
    sweep = sweep_of(name)
    blocks = list(seed_blocks(sweep.seeds, experiment_of(name).seeds_per_job))
    return [
        f"<results>/runs/{SWEEPS[name]}/{point.slug()}/seeds~{block[0]}-{block[-1]}.nc"
        for point in sweep.points()
        for block in blocks
    ]


def place_of(diagnostic):
    """Where a job of ``diagnostic`` writes, with wildcards if there are several."""
    if diagnostic not in SEEDED:
        return diagnostic
    return f"{diagnostic}/{SEEDED[diagnostic].part}"


def parts_of(diagnostic):
    """The results of all jobs of a diagnostic over seeds, which run fastest."""
    return [
        f"<results>/runs/{diagnostic}/{part}.nc" for part in SEEDED[diagnostic].parts()
    ]


def all_runs():
    """The results of all jobs that others combine, each once."""
    runs = [run for sweep in SWEEPS for run in runs_of(sweep)]
    parts = [part for diagnostic in SEEDED for part in parts_of(diagnostic)]
    return sorted({*runs, *parts})


def data_by_rule():
    """The data files that each rule that trains or measures contributes to, without folder and suffix."""
    trained = {
        f"train_{name}": [*part.sweeps] for name, part in PAPER.experiments().items()
    }
    return trained | {f"diagnose_{name}": [name] for name in PAPER.diagnostics()}


def data_by_figure():
    """The data files that each figure is drawn from, without folder and suffix."""
    return {
        name: [Path(file).stem for file in inputs.values() if file.endswith(".nc")]
        for name, inputs in FIGURES.items()
    }


def benchmarks():
    """The benchmark files of all jobs up to the figures and verdicts, by rule."""
    jobs = {name: [] for name in data_by_rule()}
    for run in all_runs():
        name, job = (
            run.removeprefix("<results>/runs/").removesuffix(".nc").split("/", 1)
        )
        jobs[f"diagnose_{name}" if name in SEEDED else f"train_{name}"].append(job)
    jobs |= {"combine": [*SWEEPS], "combine_seeds": [*SEEDED]}
    jobs |= {name: [] for name in [*(f"figure_{name}" for name in FIGURES), "claims"]}
    return {
        name: [f"<benchmarks>/{name}/{part}.tsv" for part in parts]
        or f"<benchmarks>/{name}.tsv"
        for name, parts in jobs.items()
    }


def settings_of(diagnostic):
    """What a job of ``diagnostic`` measures, by its place on the axis if there is one."""
    if diagnostic not in SEEDED:
        return getattr(PAPER, diagnostic).model_dump()
    return lambda wildcards: SEEDED[diagnostic].settings_at(wildcards.get("value"))


def seeds_of(wildcards):
    """The seeds of one job of a diagnostic, in a list; an empty one if it has none."""
    if "first" not in wildcards.keys():
        return []
    return [list(range(int(wildcards.first), int(wildcards.last) + 1))]


def training_of(experiment):
    """The hyper-parameters of a run of ``experiment``, by its grid point."""
    return (
        lambda wildcards: getattr(PAPER, experiment)
        .training_at(wildcards.point)
        .model_dump()
    )


def millions_of_samples(experiment):
    """The priority of a job that trains: of an experiment, those with most samples start first; they take longest."""

    def samples(wildcards):
        seeds = int(wildcards.last) - int(wildcards.first) + 1
        return getattr(PAPER, experiment).samples(wildcards.point, seeds) / 1e6

    return samples


def growing(megabytes):
    """Memory of a job, in MB, by its attempt: one that was killed for too little gets more when it is retried."""
    return lambda wildcards, attempt: megabytes * attempt


def figure(name):
    """The files of one figure, by format; Snakemake's own report shows the first."""
    files = {kind: f"<results>/figures/{name}.{kind}" for kind in FIGURE_FORMATS}
    shown = report(
        files["svg"],
        caption=f"../report/captions/{name}.rst",
        category="Figures",
        labels={"result": name.replace("_", " "), "format": "svg"},
    )
    return files | {"svg": shown}
