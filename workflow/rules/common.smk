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

METRICS = expand("<results>/metrics/{grid}.nc", grid=PAPER.grids)
FORMATS = ["svg", "png", "pdf"]
SOURCES = [
    "config/config.yaml",
    "environment.yml",
    *sorted(
        str(path)
        for folder in ("src/gradient_failures", "workflow")
        for path in Path(folder).rglob("[!.]*.*")
        if path.parent.name != "__pycache__"
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


def of_run(computation, what):
    """For the jobs of ``computation``, each of which makes one run: a function ``what`` of that run."""
    return lambda wildcards: what(
        computation.all_runs[f"{wildcards.point}/seeds~{wildcards.seeds}"]
    )


def growing(megabytes):
    """Memory of a job, in MB, by its attempt: one that was killed for too little gets more when it is retried."""
    return lambda wildcards, attempt: megabytes * attempt


def costs_of_jobs():
    """The files with the costs of all jobs up to the figures and verdicts, by rule."""
    jobs = {
        **{
            computation.rule: computation.all_runs for computation in PAPER.computations
        },
        "combine": PAPER.grids,
        "draw_grid": GRIDS_WITHOUT_FIGURE,
    }
    single = [*(f"figure_{name}" for name in PAPER.figures), "claims"]
    costs = {
        name: [f"<logs>/{name}/{job}.tsv" for job in each]
        for name, each in jobs.items()
        if each
    }
    return costs | {name: [f"<logs>/{name}.tsv"] for name in single}


def of_problems(*names):
    """The files called ``names`` in the folders of problems, where there are any."""
    paths = [PROBLEMS / problem / name for name in names for problem in PAPER.problems]
    return [str(path) for path in paths if path.exists()]


def shown(path, category, result):
    """The output ``path``, which Snakemake's own report shows as a ``result`` of ``category``."""
    labels = {"result": result, "format": Path(path).suffix[1:]}
    return report(
        path, caption="../report/caption.rst", category=category, labels=labels
    )


def figure_files(name):
    """The files of one figure, by format; Snakemake's own report shows the first."""
    paths = {kind: f"<results>/figures/{name}.{kind}" for kind in FORMATS}
    return paths | {"svg": shown(paths["svg"], "Figures", name.replace("_", " "))}
