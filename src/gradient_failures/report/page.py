"""The report: one self-contained page with every verdict and the evidence behind it, and its summary."""

import importlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import xarray as xr
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from gradient_failures.claims.text import interval, number
from gradient_failures.config import problem
from gradient_failures.config.paper import Paper
from gradient_failures.report import dataflow, markdown, verdicts
from gradient_failures.report.costs import by_rule, cost_rows, duration, totals
from gradient_failures.report.theory import series, statements
from gradient_failures.report.verdicts import Result

TEMPLATES = Path(__file__).parent

Row = dict[str, Any]
"""What a template shows of one thing, by name."""


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
    devices = {made.rule: data[next(iter(made.config.grids))].attrs["device"] for made in paper.computations}
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
        "sections": _sections(paper, results),
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
        "costs": totals(costs, list(devices)),
        "cost_rows": cost_rows(costs, devices),
        "deviations": [
            [row[key] for key in ("topic", "text", "released", "here", "effect")] for row in deviations
        ],
        "config": yaml.safe_dump(dict(paper.config), sort_keys=False, allow_unicode=True),
        "commits": commits(data.values()),
        "origins": {name: _origin(runs) for name, runs in data.items()},
        "project": project,
        "provenance": provenance,
    }
    environment = _environment()
    page, summary = map(environment.get_template, ("page.html.j2", "summary.md.j2"))
    return {
        "page": page.render(content, standalone=False),
        "standalone": page.render(content, standalone=True),
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


def _sections(paper: Paper, results: Sequence[Result]) -> dict[str, Row]:
    """The sections of all problems by anchor.

    Of each its title, its computations with the results on their data, and how often each verdict was reached
    on claims of the paper.
    """
    evidence = {
        (made.problem, made.name): (made, [r for r in results if r["claim"]["data"] in made.config.grids])
        for made in paper.computations
    }
    sections = {}
    for name in paper.problems:
        for anchor, (title, parts) in problem.problems()[name].sections.items():
            shown = [evidence[name, part] for part in parts]
            judged = [result for _, of_computation in shown for result in of_computation]
            reached = Counter(result["verdict"] for result in judged if result["claim"]["kind"] == "paper")
            sections[anchor] = {"title": title, "evidence": shown, "verdicts": reached}
    return sections


def _view(paper: Paper, name: str, data: Mapping[str, xr.Dataset], results: Sequence[Result]) -> Any:
    """What the section of the problem ``name`` shows."""
    if not (problem.FOLDER / name / "views.py").exists():
        return {}
    views = importlib.import_module(f"gradient_failures.problems.{name}.views")
    return views.view(data, paper.config[name], {result["claim"]["id"]: result for result in results})


def _pictures(paper: Paper, images: Mapping[str, bytes]) -> dict[str, Row]:
    """The figures by name: of each its title, the module that draws it, its grids, and its address."""
    pictures: dict[str, Row] = {}
    for name, (of, figure) in paper.figures.items():
        module = f"problems/{of}/figures/{name}.py"
        pictures[name] = {"title": figure.title, "module": module, "grids": list(figure.grids)}
    for grid in [grid for name in paper.problems for grid in paper.grids_without_figure(name)]:
        title, module = f"The runs of the grid {grid}", "results/grid_figure.py"
        pictures[f"grids/{grid}"] = {"title": title, "module": module, "grids": [grid]}
    return {name: picture | {"image": data_uri(images[name])} for name, picture in pictures.items()}


def _flow(paper: Paper, pictures: Mapping[str, Row], rules: Mapping[str, Row]) -> dataflow.DataFlow:
    made = {}
    for computation in paper.computations:
        jobs = rules[computation.rule]["jobs"]
        label = f"{computation.problem}.{computation.name} · {jobs} job{'s' if jobs > 1 else ''}"
        made[label] = list(computation.config.grids)
    return dataflow.layout(made, {name: picture["grids"] for name, picture in pictures.items()})


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
