"""Which lines could be wrong without a test noticing: ``python tests/mutate.py [MODULE …]``.

Each mutant is one small change to a module under ``problems``: another operator, comparison or number, a
sign, a mean for a maximum, a call left out. The tests of the module run against it, in a fork of this
process, until one fails. Survivors are printed with their line; some are equivalent to the original.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import io
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
PROBLEMS = ROOT / "src/gradient_failures/problems"
SECONDS = 120
"""After which a mutant counts as killed: it may never end."""

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
NAMES = {"max": "mean", "min": "mean", "mean": "sum", "sum": "mean", "amax": "amin", "median": "max"}
LEFT_OUT = {"abs", "square", "sqrt", "log", "exp", "sorted", "clamp_min", "clamp_min_", "cumsum"}


def mutants_of(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Each mutant with its line and what is changed."""
    for index, node in enumerate(ast.walk(tree)):
        for change in changes_of(node):
            mutant = copy.deepcopy(tree)
            target = next(other for number, other in enumerate(ast.walk(mutant)) if number == index)
            before = ast.unparse(target)
            change(target)
            if ast.unparse(target) != before:
                yield node.lineno, f"{before} → {ast.unparse(target)}", ast.fix_missing_locations(mutant)


def changes_of(node):
    """What can be changed at ``node``; each a function that does it in place."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield lambda target: setattr(target, "op", OPERATORS[type(target.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        yield lambda target: target.ops.__setitem__(0, OPERATORS[type(target.ops[0])]())
    if isinstance(node, ast.BoolOp):
        yield lambda target: setattr(target, "op", OPERATORS[type(target.op)]())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda target: setattr(target, "value", target.value + 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda target: setattr(target, "op", ast.UAdd())
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield lambda target: setattr(target, "attr", NAMES[target.attr])
    if isinstance(node, ast.Call) and (left := what_is_left(node)) is not None:
        yield lambda target: (setattr(target, "func", identity()), setattr(target, "args", [left]))


def what_is_left(call):
    """The value that a call would be without its function, if that can be left out."""
    if isinstance(call.func, ast.Name) and call.func.id in LEFT_OUT and call.args:
        return call.args[0]
    if isinstance(call.func, ast.Attribute) and call.func.attr in LEFT_OUT:
        is_module = isinstance(call.func.value, ast.Name) and call.func.value.id in ("np", "torch", "xr")
        return (call.args or [None])[0] if is_module else call.func.value
    return None


def identity():
    return ast.parse("(lambda value, *_, **__: value)", mode="eval").body


class Loader(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Imports the mutant in place of its module."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, name, path=None, target=None):
        return (
            importlib.util.spec_from_file_location(name, self.path, loader=self)
            if name == self.name
            else None
        )

    def exec_module(self, module):
        exec(compile(self.tree, self.path, "exec"), module.__dict__)


def survives(name: str, path: Path, tree: ast.Module, tests: list[str]) -> bool:
    """Whether all tests pass with the mutant, in a fork of this process."""
    child = os.fork()
    if child == 0:
        sys.meta_path.insert(0, Loader(name, path, tree))
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests])
        os._exit(0 if status == pytest.ExitCode.OK else 1)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def tests_of(path: Path) -> list[str]:
    """The tests of a module: those named after it, else all of its problem."""
    problem, *inside = path.relative_to(PROBLEMS).with_suffix("").parts
    folder = ROOT / "tests/problems" / problem
    named = folder / f"test_{'figures' if inside[0] == 'figures' else inside[-1]}.py"
    return [str(named if named.exists() else folder)]


def main() -> int:
    """Try the mutants; 1 if some survive."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "modules", nargs="*", type=Path, help="files; all of src/gradient_failures/problems if none"
    )
    parser.add_argument("--sample", type=int, help="try so many mutants of each module, drawn at random")
    options = parser.parse_args()
    torch.set_num_threads(1)
    alive = total = 0
    for path in options.modules or sorted(PROBLEMS.rglob("[a-z]*.py")):
        path = path.resolve()
        name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        mutants = list(mutants_of(ast.parse(path.read_text(encoding="utf-8"))))
        if options.sample and options.sample < len(mutants):
            mutants = random.Random(name).sample(mutants, options.sample)
        left = [(line, what) for line, what, tree in mutants if survives(name, path, tree, tests_of(path))]
        print(f"{path.relative_to(ROOT)}: {len(left)} of {len(mutants)} survive", flush=True)
        for line, what in sorted(left):
            print(f"  line {line}: {what}", flush=True)
        alive, total = alive + len(left), total + len(mutants)
    print(f"{alive} of {total} mutants survive")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
