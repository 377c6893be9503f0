import sys

import numpy as np
import pytest
import xarray as xr

import gradient_failures.problems
from gradient_failures.config import problem
from gradient_failures.config.paper import config_model, validated
from gradient_failures.report.page import render
from gradient_failures.results.dataset import labelled
from tiny_runs import tiny_config

ZEBRA = {
    "problem.py": """
from gradient_failures.config.base import Number, Settings, TrainingSettings
from gradient_failures.config.problem import Figure, Problem


class StripesSettings(TrainingSettings):
    width: Number = 1.0


class LawSettings(Settings):
    dim: int = 3


PROBLEM = Problem(
    computations={"stripes": StripesSettings, "law": LawSettings},
    sections={"zebra": ("Zebras", ("stripes", "law"))},
    figures={"herd": Figure("Figure 1: a herd", {"stripes": ("width",), "law": ()})},
)
""",
    "views.py": """
def view(data, config, results):
    return {
        "last": data["stripes"]["accuracy"].max().item(),
        "steps": config["stripes"]["settings"]["steps"],
        "rows": [["narrow", "1"], ["wide", "<2>"]],
        "verdict": results["zebra-learnt"]["verdict"],
    }
""",
    "section.html.j2": """
<section id="zebra">
{% set verdict = view.verdict | lower %}
<h2>Zebras & co: {{ view.last | number }} after {{ view.steps | number }} steps, {{ verdict }}</h2>
{% call figure("herd", "Zebras <by width>.") %}Every zebra.{% endcall %}
{{ table("Widths of " ~ (["stripes", "lines"] | series), ["Kind", "k<sup>2</sup>" | safe], view.rows) }}
{% if reduced %}<p>This herd is small.</p>{% endif %}
{{ evidence("zebra") }}
</section>
""",
}

ANT = {
    "problem.py": """
from gradient_failures.config.base import Settings
from gradient_failures.config.problem import Problem


class HillSettings(Settings):
    dim: int = 3


PROBLEM = Problem(computations={"hill": HillSettings}, sections={"ant": ("Ants", ("hill",))})
""",
    "section.html.j2": '<section id="ant"><h2>Ants</h2>{{ evidence("ant") }}</section>\n',
}

CONFIG = {
    "pathvars": {"results": "results", "logs": "logs"},
    "device": "cpu",
    "jobs_per_gpu": 1,
    "zebra": {
        "stripes": {
            "settings": {"steps": 20, "eval_every": 10, "batch_size": 5},
            "grids": {"stripes": {"width": [1.0, 2.0], "seeds": 2}, "stripes_again": {"seeds": 2}},
        },
        "law": {"grids": {"law": {}}},
    },
    "ant": {"hill": {"grids": {"hill": {}}}},
}

MADE = {
    "device": "cpu",
    "wall_seconds": 12.0,
    "runs_git_commit": "abc1234",
    "runs_git_dirty": 0,
    "runs_code_hash": "c0de" * 16,
}

PROVENANCE = {
    "source": "gradient-failures 0.1.0",
    "history": "2026-01-02T10:00:00Z computed",
    "git_commit": "abc1234",
    "git_dirty": 0,
    "code_hash": "c0de",
    "lock_hash": "10c4",
    "python_version": "3.11.9",
    "numpy_version": "2.0.0",
    "torch_version": "2.6.0",
    "machine": "Linux x86_64",
}


def result(name, data, **changes):
    """A claim of the paper that was reproduced, as in claims.json, with ``changes`` in it or its verdict."""
    claim = {
        "id": name,
        "statement": f"The statement {name}.",
        "source": "§1",
        "theorem": None,
        "kind": "paper",
        "data": data,
        "select": [{}],
        "options": {},
        "why": "As good as any.",
        "published": None,
    }
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 2}
    judged = {
        "quantity": "the mean accuracy",
        "criterion_in_words": "at least 0.3",
        "verdict": "REPRODUCED",
        "reduced": False,
        "reason": f"the reason of {name}",
        "tightest": 0,
        "cells": [{"cell": "", "estimate": estimate, "measured": "0.5 [0.4, 0.6]", "share": 0.75}],
    }
    claim |= {key: value for key, value in changes.items() if key in claim}
    return {"claim": claim} | judged | {key: value for key, value in changes.items() if key in judged}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A function that renders the report of two toy problems, zebras first, with other ``arguments``."""
    folder = tmp_path / "problems"
    for name, files in {"zebra": ZEBRA, "ant": ANT}.items():
        (folder / name).mkdir(parents=True)
        for file, text in files.items():
            (folder / name / file).write_text(text)
    monkeypatch.setattr(problem, "FOLDER", folder)
    monkeypatch.setattr(gradient_failures.problems, "__path__", [str(folder)])
    for name in [name for name in sys.modules if name.startswith("gradient_failures.problems.")]:
        monkeypatch.delitem(sys.modules, name)
    forget()
    yield lambda **changes: render(validated(CONFIG), **(arguments() | changes))
    forget()


def forget():
    """Problems are read once, and so is what the configuration of all may hold."""
    problem.problems.cache_clear()
    config_model.cache_clear()


def arguments():
    """All that the report of the toy problems is made of."""
    runs = labelled(
        {"accuracy": (("width", "seed", "step"), np.full((2, 2, 3), 0.75), "accuracy")},
        {"width": ([1.0, 2.0], "width"), "seed": ([0, 1], "seed"), "step": ([0, 10, 20], "steps")},
    )
    law = labelled({"variance": ("dim", [0.1, 0.2], "variance")}, {"dim": ([2, 8], "dimension d")})
    data = {"stripes": runs, "stripes_again": runs.isel(width=0, drop=True), "law": law, "hill": law}
    rules = ["compute_zebra_stripes", "compute_zebra_law", "compute_ant_hill", "claims"]
    cost = {
        "jobs": [3, 1, 1, 1],
        "core_seconds": [60.0, 4.0, 5.0, 1.0],
        "cpu_seconds": [50.0, 3.0, 4.0, 1.0],
        "longest_job": [40.0, 4.0, 5.0, 1.0],
        "peak_memory": [300.0, 0.0, 90.0, 80.0],
    }
    finding = {"date": "2026-01-01", "commit": "f00", "section": "zebra", "text": "They run."}
    return {
        "results": [result("zebra-learnt", "stripes"), result("zebra-law", "law", theorem="Theorem 1")],
        "figures": {"herd": b"<svg>herd</svg>", "grids/stripes_again": b"<svg>again</svg>"},
        "data": {name: dataset.assign_attrs(MADE) for name, dataset in data.items()},
        "costs": xr.Dataset({name: ("rule", values) for name, values in cost.items()}, {"rule": rules}),
        "deviations": [{"topic": "Width", "text": "1", "released": "2", "here": "both", "effect": "none"}],
        "findings": {"zebra": [finding]},
        "project": "../..",
        "provenance": PROVENANCE,
    }


@pytest.fixture(scope="session")
def drawn():
    """The names of all figures of the tiny run, in order."""
    paper = tiny_config()
    generic = [grid for name in paper.problems for grid in paper.grids_without_figure(name)]
    return [*paper.figures, *(f"grids/{grid}" for grid in generic)]
