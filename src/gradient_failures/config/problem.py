"""What a problem consists of: each folder in ``problems`` says so in its ``problem.py``."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gradient_failures.config.base import Settings

FOLDER = Path(__file__).parent.parent / "problems"


@dataclass(frozen=True)
class Figure:
    """A figure; ``problems/PROBLEM/figures/NAME.py`` draws it.

    Parameters
    ----------
    title : what it shows, in one line.
    grids : the data it is drawn from, each grid with the axes that it must have.
    published : whether it is drawn with the problem's ``published.yaml``.
    """

    title: str
    grids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    published: bool = False


@dataclass(frozen=True)
class Problem:
    """A problem.

    Parameters
    ----------
    computations : the settings of each computation; ``problems/PROBLEM/NAME.py`` has its ``run``.
    sections : the sections of ``section.html.j2`` by anchor, each with its short title and the computations
        whose claims it shows.
    figures : figures by name, in the order of the report.
    """

    computations: Mapping[str, type[Settings]]
    sections: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)


@cache
def problems() -> dict[str, Problem]:
    """The problems by name: one for each folder that has a ``problem.py``."""
    names = sorted(path.parent.name for path in FOLDER.glob("[a-z]*/problem.py"))
    return {
        name: importlib.import_module(f"gradient_failures.problems.{name}.problem").PROBLEM for name in names
    }
