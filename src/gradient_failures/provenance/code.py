"""Which code a job runs, and a hash of what it says: docstrings, comments and log lines do not count."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
ROOT = PACKAGE.parent

WRITERS = {
    "config/base.py",
    "config/errors.py",
    "config/grids.py",
    "config/problem.py",
    "config/yaml.py",
    "job.py",
    "provenance/code.py",
    "provenance/files.py",
    "provenance/origin.py",
    "results/dataset.py",
    "training/checkpoint.py",
    "training/devices.py",
    "training/progress.py",
}
"""Modules that check, log, save or label what others compute, and decide no number of it."""


def code_hash(modules: Iterable[str]) -> str:
    """SHA-256 of the syntax trees of ``modules`` and of all that they import but ``WRITERS``.

    Parameters
    ----------
    modules : names without that of the package, as in ``problems.parity.experiment``.
    """
    digest = hashlib.sha256()
    for path in sorted(sources(modules)):
        said = _meaning(path, path.stat().st_mtime_ns)
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{said}\0".encode())
    return digest.hexdigest()


def sources(modules: Iterable[str]) -> set[Path]:
    """The files of ``modules`` and of all that they import, directly or not, but those of ``WRITERS``."""
    found: set[Path] = set()
    new = _files_of(f"{PACKAGE.name}.{module}" for module in modules)
    while new:
        found |= new
        new = {file for importer in new for file in _imported(importer, importer.stat().st_mtime_ns)} - found
    return found


def meaning(source: str) -> str:
    """The syntax tree of ``source`` without bare strings, such as docstrings, and without log lines."""
    return ast.dump(_Silent().visit(ast.parse(source)))


class _Silent(ast.NodeTransformer):
    """Takes out expressions that compute nothing: strings, and calls of ``log``."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        match node.value:
            case ast.Constant(value=str()) | ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
                return None
        return node


@cache
def _meaning(file: Path, _changed: int) -> str:
    """The :func:`meaning` of ``file``."""
    return meaning(file.read_text(encoding="utf-8"))


@cache
def _imported(file: Path, _changed: int) -> set[Path]:
    """What ``file`` itself imports from the package."""
    nodes = ast.walk(ast.parse(file.read_bytes()))
    return _files_of(name for node in nodes for name in _names(node))


def _names(node: ast.AST) -> Iterator[str]:
    """The names that an import may mean: what is imported from a package may be a module of it."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(names: Iterable[str]) -> set[Path]:
    """The files of the modules ``names``, and of the packages that they are in."""
    stems = {stem for name in names for stem in accumulate(name.split("."), "{}/{}".format)}
    files = (ROOT / f"{stem}{end}" for stem in stems for end in (".py", "/__init__.py"))
    neutral = {PACKAGE / name for name in WRITERS}
    return {file for file in files if file not in neutral and file.exists()}
