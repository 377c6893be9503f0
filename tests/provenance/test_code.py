"""The code that a job runs: which files, and what in them counts."""

import importlib
from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from conftest import ROOT
from gradient_failures.config.problem import problems
from gradient_failures.provenance import code

COMPUTATIONS = [
    f"problems.{name}.{key}" for name, problem in problems().items() for key in problem.computations
]
FIGURES = [
    f"problems.{name}.figures.{key}" for name, problem in problems().items() for key in problem.figures
]
OTHERS = ["results.combine", "claims.judge", "report.page"]


def found_by_python(module):
    finder = ModuleFinder(path=[str(ROOT / "src")])
    finder.import_hook(f"gradient_failures.{module}")
    return {Path(found.__file__) for found in finder.modules.values() if found.__file__}


@pytest.mark.parametrize("module", [*COMPUTATIONS[:4], *FIGURES[:3], *OTHERS])
def test_sources_are_what_python_itself_would_find_but_writers_and_what_only_they_import(module):
    found, python = code.sources([module]), found_by_python(module)
    writers = {code.PACKAGE / name for name in code.WRITERS}
    assert found <= python - writers
    behind_writers = set().union(*(found_by_python(name_of(writer)) for writer in writers))
    assert python - writers - found <= behind_writers


def name_of(path):
    return ".".join(path.relative_to(code.PACKAGE).with_suffix("").parts)


def test_writers_exist_and_every_computation_has_a_hash_of_its_own():
    assert all((code.PACKAGE / name).exists() for name in code.WRITERS)
    assert len({code.code_hash([module]) for module in COMPUTATIONS}) == len(COMPUTATIONS)


LATE = "def late():\n    from pack.c import (\n        d,\n        e,\n    )\n"
FUNCTION = 'def b(x):\n    """Doc."""\n    log.info("at %d", x)\n    return x + 1\n'


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a few modules in place of the real one."""
    files = {
        "pack/__init__.py": "",
        "pack/job.py": LATE + "import pack.a.b\n",
        "pack/a/__init__.py": "",
        "pack/a/b.py": '"""Doc."""\nimport pack.f\n' + FUNCTION,
        "pack/c/__init__.py": "e = 1",
        "pack/c/d.py": "import os, pack.g",
        "pack/c/unused.py": "",
        "pack/f.py": "import pack.a\nimport pack.write",
        "pack/g.py": "",
        "pack/write.py": "import pack.behind",
        "pack/behind.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "pack")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    monkeypatch.setattr(code, "WRITERS", {"write.py"})
    return tmp_path / "pack"


def test_every_way_to_import_is_followed_but_not_into_writers(package):
    names = {path.relative_to(package).as_posix() for path in code.sources(["job"])}
    assert names == {
        "__init__.py",
        "job.py",
        "a/__init__.py",
        "a/b.py",
        "c/__init__.py",
        "c/d.py",
        "f.py",
        "g.py",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    """Doc."""\n', '    """Another."""\n'),
        ('    """Doc."""\n', ""),
        ("return x + 1", "return x + 1  # a comment"),
        ("return x + 1", "return (x\n        + 1)"),
        ('    log.info("at %d", x)\n', '    log.warning("near %d of %d", x, x)\n'),
        ('    log.info("at %d", x)\n', ""),
    ],
)
def test_docstrings_comments_layout_and_log_lines_do_not_count(package, old, new):
    before = code.code_hash(["job"])
    edit(package / "a/b.py", old, new)
    assert code.code_hash(["job"]) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a/b.py", "x + 1", "x + 2"),
        ("a/b.py", "x + 1", "x - 1"),
        ("a/b.py", "def b(x):", "def b(x, y=1):"),
        ("c/__init__.py", "e = 1", "e = 'text'"),
        ("job.py", "import pack.a.b\n", ""),
    ],
)
def test_what_is_computed_counts(package, name, old, new):
    before = code.code_hash(["job"])
    edit(package / name, old, new)
    assert code.code_hash(["job"]) != before


def test_writers_and_what_is_not_imported_do_not_count_and_a_moved_module_does(package):
    before = code.code_hash(["job"])
    for name in ("write.py", "behind.py", "c/unused.py"):
        (package / name).write_text("changed = 1")
    assert code.code_hash(["job"]) == before
    (package / "g.py").rename(package / "h.py")
    edit(package / "c/d.py", "pack.g", "pack.h")
    assert code.code_hash(["job"]) != before


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("module", COMPUTATIONS)
def test_every_computation_keeps_the_contract(module):
    computation = importlib.import_module(f"gradient_failures.{module}")
    _, problem, name = module.split(".")
    assert computation.Settings is problems()[problem].computations[name]
    parameters = computation.run.__code__.co_varnames[: computation.run.__code__.co_argcount]
    assert parameters == ("settings", "seeds", "checkpoint")
    assert computation.run.__defaults__[-1] is None
