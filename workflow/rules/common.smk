# The only Python of the rules: the validated configuration, what it expands to, and the code that each job runs.

import os
import sys
from functools import cache
from pathlib import Path

PROJECT = Path(workflow.basedir)
PACKAGE = PROJECT / "src"

# Jobs find the package from here, in whatever environment or on whatever node they run. Their memory, once freed, is
# kept for the next tensor: glibc would give large blocks back at every step, and page faults take a fifth of it.
sys.path.insert(0, str(PACKAGE))
os.environ.update(
    PYTHONPATH=os.pathsep.join(
        filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")])
    ),
    MALLOC_MMAP_MAX_="0",
    MALLOC_TRIM_THRESHOLD_=str(2**31 - 1),
)

from gradient_failures.claims.model import check_data, read_claims
from gradient_failures.config.errors import ConfigError
from gradient_failures.config.paper import validated
from gradient_failures.config.problem import FOLDER
from gradient_failures.config.yaml import read_yaml
from gradient_failures.provenance import code, files

LOCK = "requirements.lock"
DEVIATIONS = "config/deviations.yaml"
PROBLEMS = FOLDER.relative_to(PROJECT)

# Snakemake puts the keys of overlays first; problems stand in the order of config.yaml.
ORDER = [key for key in read_yaml("config/config.yaml") if key in config]

try:
    PAPER = validated({key: config[key] for key in [*ORDER, *config]})
    CLAIMS = read_claims(PAPER.problems)
    check_data(CLAIMS, PAPER.files())
    for facts in [DEVIATIONS, *PROBLEMS.glob("*/*.yaml")]:
        read_yaml(facts)
except ConfigError as error:
    raise WorkflowError(f"The configuration cannot be run.\n{error}")

COMPUTATIONS = {computation.rule: computation for computation in PAPER.computations}
METRICS = expand("<results>/metrics/{grid}.nc", grid=PAPER.grids)
RESULTS = Path(PAPER.run.pathvars.results)
REPORT = RESULTS / "report/index.html"
FORMATS = ["svg", "png", "pdf"]
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


def code_of(*modules):
    """For the params of a rule: a hash of the code of ``modules`` and of all that they import."""
    hashed = cache(lambda: code.code_hash(modules))
    return lambda wildcards: hashed()


def require_writable_folders():
    """A WorkflowError if there is no writing to the folders of this run."""
    try:
        for _, folder in PAPER.run.pathvars:
            files.require_writable(folder)
    except OSError as error:
        raise WorkflowError(
            f"Results cannot be written: {error}. Put that right, then give the same command again."
        )


def runs_of(grid):
    """The results that make up ``grid``, in grid order, seeds running fastest."""
    computation = PAPER.grids[grid]
    return [
        f"<results>/runs/{computation.problem}/{computation.name}/{run.path}.nc"
        for run in computation.runs(grid)
    ]


def all_runs():
    """The results of all jobs that compute, each once."""
    return sorted({run for grid in PAPER.grids for run in runs_of(grid)})


def run_of(computation, wildcards):
    """What a job of ``computation`` computes."""
    return computation.all_runs[f"{wildcards.point}/seeds~{wildcards.seeds}"]


def growing(megabytes):
    """Memory of a job, in MB, by its attempt: one that was killed for too little gets more when it is retried."""
    return lambda wildcards, attempt: megabytes * attempt


def costs_of_jobs():
    """The files with the costs of all jobs up to the figures and verdicts, by rule."""
    jobs = {
        name: [f"{name}/{path}" for path in computation.all_runs]
        for name, computation in COMPUTATIONS.items()
    }
    jobs["combine"] = [f"combine/{grid}" for grid in PAPER.grids]
    jobs["draw_grid"] = [f"draw_grid/{grid}" for grid in GRIDS_WITHOUT_FIGURE]
    jobs |= {
        name: [name] for name in [*map("figure_{}".format, PAPER.figures), "claims"]
    }
    files = {name: [f"<logs>/{job}.tsv" for job in made] for name, made in jobs.items()}
    return {name: paths for name, paths in files.items() if paths}


def figure_files(name):
    """The files of one figure, by format; Snakemake's own report shows the first."""
    paths = {kind: f"<results>/figures/{name}.{kind}" for kind in FORMATS}
    labels = {"result": name.replace("_", " "), "format": "svg"}
    shown = report(
        paths["svg"],
        caption="../report/caption.rst",
        category="Figures",
        labels=labels,
    )
    return paths | {"svg": shown}


def settings_at(computation):
    """All settings of a job."""
    return lambda wildcards: run_of(computation, wildcards).point.settings.model_dump()


def seeds_at(computation):
    """The seeds of a job."""
    return lambda wildcards: list(run_of(computation, wildcards).seeds)


def priority_of(computation):
    """Jobs with most samples to train on start first: they take longest."""

    def millions(wildcards):
        run = run_of(computation, wildcards)
        return run.point.settings.priority * len(run.seeds) / 1e6

    return millions


def settings_of_points(grid):
    """All settings at each point of ``grid`` by the point's name."""
    points = PAPER.grids[grid].points[grid]
    return {point.name: point.settings.model_dump() for point in points}


def of_problems(name):
    """The files called ``name`` in the folders of problems, where there is one."""
    paths = [PROBLEMS / problem / name for problem in PAPER.problems]
    return [str(path) for path in paths if path.exists()]


def shown(kind, name):
    """A file of the report, which Snakemake's own report shows too."""
    return report(
        f"<results>/report/{name}",
        caption="../report/caption.rst",
        category="Verdicts",
        labels={"result": kind, "format": Path(name).suffix[1:]},
    )
