"""The plan of the house: what may import what."""

import ast
from pathlib import Path

import pytest

from conftest import ROOT
from gradient_failures.config.problem import problems

PACKAGE = ROOT / "src/gradient_failures"
NAME = PACKAGE.name
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"torch", "numpy", "scipy", "xarray", "matplotlib", "netCDF4"}


def imports_of(path: Path) -> set[str]:
    """The full names of what ``path`` imports; of the package, modules and not what is in them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if file_of(name) else str(node.module) for name in inside}
    return names


def file_of(name: str) -> Path | None:
    path = PACKAGE.parent / name.replace(".", "/")
    candidates = [path.with_suffix(".py"), path / "__init__.py"]
    return next((file for file in candidates if file.exists()), None)


def closure(path: Path) -> set[str]:
    """All that ``path`` imports, directly or through modules of the package."""
    found, new = set(), imports_of(path)
    while new:
        found |= new
        files = [file_of(name) for name in new if name.startswith(NAME)]
        new = {name for file in files if file for name in imports_of(file)} - found
    return found


def problem_of(name: str) -> str | None:
    """The problem that a module belongs to."""
    parts = name.split(".")
    inside = parts[:2] == [NAME, "problems"] and len(parts) > 2 and parts[2] in problems()
    return parts[2] if inside else None


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def names(pattern: str) -> list[Path]:
    found = sorted(PACKAGE.glob(pattern))
    assert found, pattern
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_problems_import_problems_and_only_the_summary_those_of_others(path):
    own = problem_of(name_of(path))
    others = {problem_of(name) for name in imports_of(path)} - {None, own}
    if own == "summary":
        return
    assert not others


@pytest.mark.parametrize("kind", ["settings.py", "problem.py"])
def test_settings_and_manifests_import_nothing_heavy(kind):
    for path in names(f"problems/*/{kind}"):
        assert not {name.split(".")[0] for name in closure(path)} & HEAVY, path


@pytest.mark.parametrize("kind", ["figures/*.py", "views.py"])
def test_figures_and_views_compute_nothing(kind):
    """They read data; what only a computation can make is in the data."""
    computations = {
        f"{NAME}.problems.{name}.{key}" for name, part in problems().items() for key in part.computations
    }
    for path in names(f"problems/*/{kind}"):
        found = closure(path)
        assert not found & computations, path
        assert "torch" not in found, path


def test_imports_go_one_way():
    """No circle among the folders of the package, the problems counting as one each."""
    arrows = {}
    for path in MODULES:
        here = room(name_of(path))
        rooms = {room(name) for name in imports_of(path) if name.startswith(f"{NAME}.")}
        arrows.setdefault(here, set()).update(rooms - {here})
    while arrows:
        ends = [name for name, to in arrows.items() if not to & set(arrows)]
        assert ends, arrows
        arrows = {name: to for name, to in arrows.items() if name not in ends}


def room(name: str) -> str:
    parts = name.split(".")[1:]
    return ".".join(parts[:2]) if parts[0] == "problems" else parts[0] if len(parts) > 1 else name


def test_the_science_knows_nothing_of_the_workflow():
    for path in MODULES:
        assert not any(name.split(".")[0] == "snakemake" for name in imports_of(path)), path
