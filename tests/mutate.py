"""Which lines could be wrong without a test noticing: ``python tests/mutate.py [MODULE …]``.

Each mutant is one small change to a module under ``problems``: another operator, comparison or number, a
sign, a mean for a maximum, a call left out. The tests of its problem that reach the changed line run against
it, the fastest first, until one fails. Survivors are printed; some are equivalent to the original.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import matplotlib.pyplot
import pytest
import scipy.stats
import torch
import xarray
from coverage import CoverageData

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


IMPORTED = (matplotlib.pyplot, scipy.stats, xarray)
"""What tests import, so that forks of this process have it."""


def mutants_of(tree: ast.Module) -> Iterator[tuple[range, str, ast.Module]]:
    """Each mutant with the lines of the statement that is changed, and how it is."""
    statements = {
        child: range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        for child in ast.walk(node)
    }
    for index, node in enumerate(ast.walk(tree)):
        for change in changes_of(node):
            mutant = copy.deepcopy(tree)
            target = next(other for number, other in enumerate(ast.walk(mutant)) if number == index)
            before = ast.unparse(target)
            change(target)
            if ast.unparse(target) != before:
                yield statements[node], f"{before} → {ast.unparse(target)}", ast.fix_missing_locations(mutant)


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


class Durations:
    """A pytest plugin: how long each test took, in seconds."""

    def __init__(self) -> None:
        self.seconds = defaultdict(float)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration


def forked(work) -> int:
    """The process that does ``work`` silently, and ends with the status that it returns."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        os._exit(work())
    return child


@cache
def reached(problem: Path) -> tuple[dict[str, dict[int, list[str]]], list[str]]:
    """The tests that reach each line, by file and line, and all tests of a problem, the fastest first."""
    tests = ROOT / "tests" / problem.relative_to(PROBLEMS.parent)
    with tempfile.TemporaryDirectory() as folder:
        data, order = Path(folder) / "coverage", Path(folder) / "order"

        def run() -> int:
            os.environ["COVERAGE_FILE"] = str(data)
            durations = Durations()
            options = ["--cov=gradient_failures", "--cov-context=test", "--cov-report=", str(tests)]
            status = pytest.main(["-q", "-p", "no:cacheprovider", *options], plugins=[durations])
            order.write_text("\n".join(sorted(durations.seconds, key=durations.seconds.get)))
            return int(status)

        _, status = os.waitpid(forked(run), 0)
        if status:
            sys.exit(f"{tests}: fails without mutants")
        coverage = CoverageData(str(data))
        coverage.read()
        contexts = {file: coverage.contexts_by_lineno(file) for file in coverage.measured_files()}
        return contexts, order.read_text().splitlines()


def tests_of(path: Path, lines: range) -> list[str]:
    """The tests that reach ``lines``, the fastest first; all of the problem for what its import runs."""
    contexts, tests = reached(path.parents[1] if path.parent.name == "figures" else path.parent)
    reaching = {test for line in lines for test in contexts[str(path)].get(line, [])}
    names = {test.rsplit("|", 1)[0] for test in reaching if test}
    return [test for test in tests if test in names] or tests


def survivors(name: str, path: Path, mutants: list, jobs: int) -> Iterator[tuple[int, str]]:
    """Line and change of each mutant with which all tests pass; ``jobs`` at a time, each in a fork."""
    waiting, running = list(mutants), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            lines, what, tree = waiting.pop()
            tests = tests_of(path, lines)

            def run(tree=tree, tests=tests) -> int:
                sys.meta_path.insert(0, Loader(name, path, tree))
                return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *tests]))

            running[forked(run)] = lines, what, time.monotonic() + SECONDS
        time.sleep(0.01)
        for child, (lines, what, deadline) in list(running.items()):
            done, status = os.waitpid(child, os.WNOHANG)
            if done or time.monotonic() > deadline:
                del running[child]
                if not done:
                    os.kill(child, 9)
                    os.waitpid(child, 0)
                elif status == 0:
                    yield lines.start, what


def main() -> int:
    """Try the mutants; 1 if some survive."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "modules", nargs="*", type=Path, help="files; all of src/gradient_failures/problems if none"
    )
    parser.add_argument("--sample", type=int, help="try so many mutants of each module, drawn at random")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="mutants at a time; all cores if not given"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    alive = total = 0
    for path in options.modules or sorted(PROBLEMS.rglob("[a-z]*.py")):
        path = path.resolve()
        name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        mutants = list(mutants_of(ast.parse(path.read_text(encoding="utf-8"))))
        if options.sample and options.sample < len(mutants):
            mutants = random.Random(name).sample(mutants, options.sample)
        left = sorted(survivors(name, path, mutants, options.jobs))
        print(f"{path.relative_to(ROOT)}: {len(left)} of {len(mutants)} survive", flush=True)
        for line, what in left:
            print(f"  line {line}: {what}", flush=True)
        alive, total = alive + len(left), total + len(mutants)
    print(f"{alive} of {total} mutants survive")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
