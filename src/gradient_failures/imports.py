"""Which source files a program runs: its own and those that it imports, directly or not."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path


def sources(program: Path, folder: Path, modules: Iterable[str] = ()) -> set[Path]:
    """The files of ``program`` and of all that it imports from ``folder``.

    Parameters
    ----------
    modules : what it imports by a name that is not in its text.
    """
    found: set[Path] = set()
    new = {program, *_files_of(modules, folder)}
    while new:
        found |= new
        new = {file for importer in new for file in _imported(importer, folder)} - found
    return found


@cache
def _imported(file: Path, folder: Path) -> set[Path]:
    """What ``file`` itself imports from ``folder``."""
    nodes = ast.walk(ast.parse(file.read_bytes()))
    return _files_of({name for node in nodes for name in _names(node)}, folder)


def _names(node: ast.AST) -> Iterator[str]:
    """The names that an import may mean: what is imported from a package may be a module of it."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(names: Iterable[str], folder: Path) -> set[Path]:
    """The files of the modules ``names``, and of the packages that they are in."""
    stems = {stem for name in names for stem in accumulate(name.split("."), "{}/{}".format)}
    files = (folder / f"{stem}{end}" for stem in stems for end in (".py", "/__init__.py"))
    return {file for file in files if file.exists()}
