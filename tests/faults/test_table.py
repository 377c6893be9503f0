"""docs/reliability.md lists the faults that tests reproduce, and these only."""

import ast

import pytest

from conftest import ROOT
from faults.conftest import table

ROWS = table()


def functions_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_table_has_at_least_twenty_rows():
    assert len(ROWS) >= 20
    assert len({row.fault for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_every_row_is_complete_and_names_tests_that_exist(row):
    assert all(row)
    assert row.test_names()
    for name, file in row.test_names():
        assert name in functions_of(ROOT / file)


def test_every_test_of_a_fault_is_in_the_table():
    named = {test for row in ROWS for test in row.test_names()}
    for path in sorted((ROOT / "tests/faults").glob("test_*.py")):
        if path.name != "test_table.py":
            file = path.relative_to(ROOT).as_posix()
            assert {(name, file) for name in functions_of(path)} <= named
