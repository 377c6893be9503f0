"""What all tests of faults share: a small finished run to break, and the table that says what a user sees."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import xarray as xr

from conftest import ROOT, run_once
from gradient_failures.results import dataset

METRICS = "results/metrics/parity_encoding.nc"
SIGNS = "results/runs/parity/experiment/dim~3/seeds~0-1.nc"
BITS = "results/runs/parity/experiment/dim~3+input_encoding~bits/seeds~0-1.nc"
"""The runs that METRICS combines."""

TABLE = ROOT / "docs/reliability.md"


class Row(NamedTuple):
    """One row of the table of faults."""

    fault: str
    seen: str
    kept: str
    go_on: str
    tests: str

    def messages(self):
        """What the user reads, as regular expressions."""
        spans = re.findall(r"`([^`]+)`", self.seen)
        return [".*".join(map(re.escape, span.split("…"))) for span in spans]

    def test_names(self):
        """Files of tests and names of functions."""
        return re.findall(r"\[(\w+)\]\(\.\./([\w/]+\.py)\)", self.tests)


def table():
    """The rows of all tables, without their headings."""
    tables = re.findall(r"^\|---.*\n((?:\|.*\n)+)", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = [row for rows in tables for row in rows.splitlines()]
    return [Row(*row.removeprefix("| ").removesuffix(" |").split(" | ")) for row in rows]


def data_of(project, name):
    """What a result says, without where it comes from."""
    return dataset.read(project.folder / name).drop_attrs(deep=False)


def assert_same_data(project, other, *names):
    for name in names or (SIGNS, BITS, METRICS):
        xr.testing.assert_identical(data_of(project, name), data_of(other, name))


@pytest.fixture
def assert_seen(request):
    """Whether an output has, each in one line, the messages of the rows that name this test."""
    test = (request.function.__name__, Path(request.path).relative_to(ROOT).as_posix())
    messages = [message for row in table() if test in row.test_names() for message in row.messages()]
    assert messages, f"no row of {TABLE.name} with a message names {test}"

    def check(output):
        for message in messages:
            assert re.search(message, output), (message, output)

    return check


@pytest.fixture(scope="session")
def trained(tmp_path_factory, worker_id):
    """A project with two runs and the file that combines them. Tests only read it, or copy it first."""
    return run_once(METRICS, METRICS, tmp_path_factory, worker_id)


@pytest.fixture
def trained_copy(trained, tmp_path):
    """A project with two runs and the file that combines them, that a test may break."""
    return trained.copied(tmp_path / "project")
