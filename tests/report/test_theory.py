"""The table of theorems: what was computed, and the margin."""

import numpy as np
import pytest
import xarray as xr

from gradient_failures.report.theory import extent, series, statements
from report.conftest import result

AXES = {
    "dim": ("input dimension d", [2, 10, 30]),
    "approach": ("source of the gradient", ["end_to_end", "decomposition"]),
    "tuple_length": ("images in a tuple, k", [3]),
    "seed": ("seed", [0, 1, 2, 3]),
}


@pytest.fixture
def data():
    values = np.zeros([len(values) for _, values in AXES.values()])
    return xr.Dataset(
        {"variance": (tuple(AXES), values)},
        {axis: (axis, values, {"long_name": name}) for axis, (name, values) in AXES.items()},
    )


def test_extent_spans_numbers_lists_names_and_counts_seeds(data):
    assert extent(data["variance"], [{}]) == (
        "input dimension d from 2 to 30; source of the gradient: end_to_end and decomposition; "
        "images in a tuple, k: 3; 4 seeds"
    )


def test_extent_leaves_out_what_tells_the_cells_apart(data):
    cells = [{"approach": "end_to_end"}, {"dim": 2, "approach": "decomposition"}]
    assert extent(data["variance"], cells) == "images in a tuple, k: 3; 4 seeds"


def cell(name, share):
    return {"cell": name, "estimate": {}, "measured": f"measured at {name}", "share": share}


def theorem(**changes):
    """A claim on theorem 1 that is judged at two values of d."""
    usual = {"select": [{"dim": 2}, {"dim": 10}], "options": {"variable": "variance"}}
    return result("law", "parity", theorem="Theorem 1", **usual | changes)


def test_a_statement_shows_its_tightest_cell_and_what_that_takes_up(data):
    judged = theorem(cells=[cell("dim 2", 0.1), cell("dim 10", 0.456)], tightest=1)
    (row,) = statements([judged, result("no-theorem", "parity")], {"parity": data})
    assert row.pop("result") is judged
    assert row.pop("extent").startswith("source of the gradient: end_to_end and decomposition; images")
    assert row == {"measured": "measured at dim 10", "at": "at dim 10, one of 2 cases", "share": "0.456"}


def test_a_single_cell_is_not_named_and_a_share_may_be_missing(data):
    (row,) = statements([theorem(cells=[cell("dim 2", None)], tightest=0)], {"parity": data})
    assert (row["measured"], row["at"], row["share"]) == ("measured at dim 2", "", "–")


def test_what_was_not_run_has_dashes(data):
    judged = theorem(cells=[], tightest=None)
    (row,) = statements([judged], {"parity": data})
    assert row == {"result": judged, "extent": "", "measured": "–", "at": "", "share": "–"}


def test_an_estimate_without_a_variable_has_no_extent(data):
    (row,) = statements([theorem(options={"level": 0.9})], {"parity": data})
    assert row["extent"] == ""


def test_series_in_words():
    assert [series([5, 10, 30][:n]) for n in (1, 2, 3)] == ["5", "5 and 10", "5, 10 and 30"]
