"""The report: one self-contained page with every verdict and the evidence behind it, and its summary."""

import importlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import xarray as xr
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from gradient_failures.claims.text import interval, number
from gradient_failures.config import problem
from gradient_failures.config.grids import Computation
from gradient_failures.config.paper import Paper
from gradient_failures.report import dataflow, markdown, verdicts
from gradient_failures.report.costs import by_rule, cost_rows, duration, totals
from gradient_failures.report.theory import series, statements
from gradient_failures.report.verdicts import Result

TEMPLATES = Path(__file__).parent

CONFIG = "../config.yaml"
"""Address of the configuration of the run, as seen from the page; the published page has it beside it."""

DEVIATION = ("topic", "text", "released", "here", "effect")


@dataclass(frozen=True)
class Evidence:
    """A computation as the page shows it: its cost, the data that it makes, and the claims judged on them."""

    name: str
    module: str
    cost: Mapping[str, Any]
    grids: list[str]
    results: list[Result]


@dataclass(frozen=True)
class Section:
    """A section on a problem: its short title, and the evidence in it."""

    title: str
    evidence: list[Evidence]

    @property
    def verdicts(self) -> Counter[str]:
        """How often each verdict was reached on claims of the paper."""
        results = [result for evidence in self.evidence for result in evidence.results]
        return Counter(result["verdict"] for result in results if result["claim"]["kind"] == "paper")


@dataclass(frozen=True)
class Picture:
    """A figure: its title, the module that draws it, the grids it is drawn from, and its address."""

    title: str
    module: str
    grids: list[str]
    image: str


def render(
    paper: Paper,
    *,
    results: Sequence[Result],
    figures: Mapping[str, bytes],
    data: Mapping[str, xr.Dataset],
    costs: xr.Dataset,
    deviations: Sequence[Mapping[str, str]],
    findings: Mapping[str, Sequence[Mapping[str, Any]]],
    project: str,
    provenance: Mapping[str, Any],
) -> dict[str, str]:
    """The ``page``, the same ``standalone`` without the data, and the ``summary``; HTML in data is escaped.

    Parameters
    ----------
    results : those in ``claims.json``.
    figures : SVG images by name; those of grids without a figure of their own are ``grids/GRID``.
    data : datasets by grid.
    costs : the cost of each rule, see :mod:`gradient_failures.report.costs`.
    deviations : where text, released settings and this reproduction differ.
    findings : what other runs showed, by problem.
    project : relative address of the project's folder, as seen from the page.
    provenance : where the report comes from.
    """
    rules, pictures, counts = by_rule(costs), _pictures(paper, figures), verdicts.summary(results)
    content = {
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "symbols": verdicts.SYMBOLS,
        "legend": verdicts.LEGEND,
        "kinds": verdicts.KINDS,
        "results": results,
        "summary": counts,
        "reduced": counts["reduced"] > 0,
        "unsettled": verdicts.unsettled(results),
        "statements": statements(results, data),
        "sections": _sections(paper, results, rules),
        "problems": {
            name: {
                "has_sections": bool(problem.problems()[name].sections),
                "view": _view(paper, name, data, results),
                "undrawn": paper.grids_without_figure(name),
                "findings": findings.get(name, []),
            }
            for name in paper.problems
        },
        "pictures": pictures,
        "flow": _flow(paper, pictures, rules),
        "rules": rules,
        "costs": totals(costs, [computation.rule for computation in paper.computations]),
        "cost_rows": cost_rows(costs, {c.rule: _device(c, data) for c in paper.computations}),
        "deviations": [[row[key] for key in DEVIATION] for row in deviations],
        "config": yaml.safe_dump(dict(paper.config), sort_keys=False, allow_unicode=True),
        "commits": commits(data.values()),
        "origins": {name: _origin(runs) for name, runs in data.items()},
        "project": project,
        "provenance": provenance,
    }
    environment = _environment()
    page, summary = map(environment.get_template, ("page.html.j2", "summary.md.j2"))
    return {
        "page": page.render(content, link=_linked),
        "standalone": page.render(content, link=_linked_if_published),
        "summary": summary.render(content, claims_table=verdicts.claims_table),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, problem.FOLDER.parent]),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": interval, "series": series, "duration": duration}
    environment.filters["markdown"] = markdown.escaped
    return environment


def _linked(address: str, words: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, words)


def _linked_if_published(address: str, words: str) -> Markup:
    """Words alone, but for what the published page has beside it."""
    return _linked(Path(address).name, words) if address == CONFIG else escape(words)


def _sections(paper: Paper, results: Sequence[Result], rules: Mapping[str, Any]) -> dict[str, Section]:
    """The sections of all problems by their anchors."""

    def evidence(computation: Computation) -> Evidence:
        grids = list(computation.config.grids)
        return Evidence(
            name=f"{computation.problem}.{computation.name}",
            module=f"problems/{computation.problem}/{computation.name}.py",
            cost=rules[computation.rule],
            grids=grids,
            results=[result for result in results if result["claim"]["data"] in grids],
        )

    computations = {(made.problem, made.name): made for made in paper.computations}
    return {
        anchor: Section(title, [evidence(computations[name, part]) for part in parts])
        for name in paper.problems
        for anchor, (title, parts) in problem.problems()[name].sections.items()
    }


def _view(paper: Paper, name: str, data: Mapping[str, xr.Dataset], results: Sequence[Result]) -> Any:
    """What the section of the problem ``name`` shows."""
    if not (problem.FOLDER / name / "views.py").exists():
        return {}
    views = importlib.import_module(f"gradient_failures.problems.{name}.views")
    return views.view(data, paper.config[name], {result["claim"]["id"]: result for result in results})


def _pictures(paper: Paper, images: Mapping[str, bytes]) -> dict[str, Picture]:
    drawn = {
        name: (figure.title, f"problems/{of}/figures/{name}.py", list(figure.grids))
        for name, (of, figure) in paper.figures.items()
    }
    generic = {
        f"grids/{grid}": (f"The runs of the grid {grid}", "results/grid_figure.py", [grid])
        for name in paper.problems
        for grid in paper.grids_without_figure(name)
    }
    return {name: Picture(*source, data_uri(images[name])) for name, source in (drawn | generic).items()}


def _flow(paper: Paper, pictures: Mapping[str, Picture], rules: Mapping[str, Any]) -> dataflow.DataFlow:
    made = {}
    for computation in paper.computations:
        jobs = rules[computation.rule]["jobs"]
        label = f"{computation.problem}.{computation.name} · {jobs} job{'s' if jobs > 1 else ''}"
        made[label] = list(computation.config.grids)
    return dataflow.layout(made, {name: picture.grids for name, picture in pictures.items()})


def _device(computation: Computation, data: Mapping[str, xr.Dataset]) -> str:
    return str(data[next(iter(computation.config.grids))].attrs["device"])


def commits(data: Iterable[xr.Dataset]) -> str:
    """The commits whose code computed what is in the datasets, in order of name."""
    return ", ".join(sorted({commit for runs in data for commit in runs.attrs["runs_git_commit"].split()}))


def _origin(data: xr.Dataset) -> str:
    made = data.attrs
    return (
        f"{number(made['wall_seconds'])} core-seconds on {made['device']}; commit {commits([data])}"
        f"{', with local changes' if made['runs_git_dirty'] else ''}; code {made['runs_code_hash'][:12]}"
    )


def data_uri(svg: bytes) -> str:
    """An SVG image as the address of an ``img``, so that the page is one file."""
    return "data:image/svg+xml," + quote(svg, safe=" /:;=,.-+()")
