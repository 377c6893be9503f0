"""Comparing two runs: verdicts, data and origin."""

import json
import re

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradient_failures.commands import compare
from gradient_failures.commands.compare import difference
from gradient_failures.results import dataset

ATTRIBUTES = {
    "title": "Data",
    "history": "2026-01-01T00:00:00Z computed",
    "git_commit": "abc",
    "machine": "one",
}


def data(values, seeds=(0, 1), steps=(0, 10, 20)):
    label = {"long_name": "label", "units": "1"}
    coordinates = {"seed": ("seed", list(seeds), label), "step": ("step", list(steps), label)}
    return xr.Dataset({"loss": (("seed", "step"), np.array(values), label)}, coordinates)


VALUES = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def claim(verdict="REPRODUCED", measured="0.9 [0.8, 1.0]", criterion=0.5, reduced=False):
    return {
        "claim": {"id": "learnt", "criterion": {"at_least": criterion}},
        "verdict": verdict,
        "reduced": reduced,
        "cells": [{"cell": "dim 5", "measured": measured}],
    }


def write_run(folder, metrics, claims=None, settings=None, **attributes):
    for name, content in metrics.items():
        config = yaml.safe_dump(settings or {"training": {"steps": 20, "batch_size": 16}})
        dataset.write(
            content, folder / "metrics" / f"{name}.nc", {**ATTRIBUTES, "config": config, **attributes}
        )
    document = {"provenance": {**ATTRIBUTES, **attributes}, "results": claims or [claim()]}
    (folder / "claims.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def first(tmp_path):
    return write_run(tmp_path / "first", {"parity": data(VALUES)})


def compared(capsys, first, second):
    """Exit status and output, without the spaces that align the columns."""
    status = compare.run(first, second)
    return status, re.sub(" +", " ", capsys.readouterr().out)


def test_same_data_of_another_machine_are_the_same(first, tmp_path, capsys):
    second = write_run(
        tmp_path / "b", {"parity": data(VALUES)}, machine="two", history="2026-02-02T00:00:00Z computed"
    )
    status, out = compared(capsys, first, second)
    assert status == 0
    assert "| parity | identical bits | the same |" in out
    assert "| machine | one | two | all |" in out
    assert "history" not in out
    assert "computed" not in out


def test_a_changed_setting_is_named_by_its_key(first, tmp_path, capsys):
    settings = {"training": {"steps": 20, "batch_size": 32}}
    second = write_run(tmp_path / "b", {"parity": data(VALUES)}, settings=settings)
    _, out = compared(capsys, first, second)
    assert "| config.training.batch_size | 16 | 32 | parity |" in out
    assert "config.training.steps" not in out


def test_largest_differences_of_each_variable(first, tmp_path, capsys):
    second = write_run(tmp_path / "b", {"parity": data([[1.0, 2.0, 3.0], [4.0, 4.0, 6.5]])})
    status, out = compared(capsys, first, second)
    assert status == 1
    assert "| parity | differs in 1 of 1 variables | the same |" in out
    assert "| values that differ | largest difference | relative | NaN in one |" in out
    # 1 at 5, the larger of the two, and 0.5 at 6.5
    assert "| parity | loss | 2 of 6 | 1 | 0.2 | 0 |" in out
    assert "claims that differ: 0, files of data: 1" in out


def test_differing_coordinates_are_compared_where_both_have_them(first, tmp_path, capsys):
    second = write_run(
        tmp_path / "b", {"parity": data([[4.0, 6.0], [7.0, 8.0]], seeds=(1, 2), steps=(0, 20))}
    )
    status, out = compared(capsys, first, second)
    assert status == 1
    assert (
        "| parity | identical bits where both have coordinates |"
        " seed: 1 in both, 1 only in A, 1 only in B; step: 2 in both, 1 only in A, 0 only in B |"
    ) in out


def test_coordinates_in_another_order_differ_but_are_matched(first, tmp_path, capsys):
    second = write_run(tmp_path / "b", {"parity": data(VALUES[::-1], seeds=(1, 0))})
    status, out = compared(capsys, first, second)
    assert status == 1
    assert "seed: in another order or type" in out
    assert "identical bits where both have coordinates" in out


def test_another_type_is_not_identical(first, tmp_path, capsys):
    second = write_run(tmp_path / "b", {"parity": data(VALUES).astype("float32")})
    status, out = compared(capsys, first, second)
    assert status == 1
    assert "| loss | 0 of 6 | 0 |" in out


@pytest.mark.parametrize(
    ("words", "expected"), [(["a", "b"], "| identical bits |"), (["a", "c"], "| word | 1 of 2 | – | – | 0 |")]
)
def test_words_are_the_same_or_not(tmp_path, capsys, words, expected):
    first, second = (
        write_run(
            tmp_path / name,
            {"parity": data(VALUES).assign_coords(word=("seed", values, {"long_name": "", "units": "1"}))},
        )
        for name, values in (("first", ["a", "b"]), ("second", words))
    )
    status, out = compared(capsys, first, second)
    assert status == (words != ["a", "b"])
    assert expected in out


def test_files_and_variables_of_one_run_alone_are_named(first, tmp_path, capsys):
    other = data(VALUES).rename(loss="accuracy")
    second = write_run(tmp_path / "b", {"parity": other, "steps": other})
    status, out = compared(capsys, first, second)
    assert status == 1
    assert "| steps | only in B" in out
    assert "| parity | loss | only in A" in out
    assert "| parity | accuracy | only in B" in out


def test_variables_with_other_dimensions_are_named(first, tmp_path, capsys):
    second = write_run(tmp_path / "b", {"parity": data(VALUES).mean("step", keep_attrs=True)})
    status, out = compared(capsys, first, second)
    assert status == 1
    assert "step only in A" in out
    assert "dimensions ('seed', 'step') and ('seed',)" in out


CLAIMS = [
    (claim(verdict="INCONCLUSIVE"), "| REPRODUCED | INCONCLUSIVE | verdict |"),
    (claim(measured="0.7 [0.6, 0.8]"), "| 0.9 [0.8, 1.0] | 0.7 [0.6, 0.8] | measured |"),
    (claim(reduced=True), "| REPRODUCED | REPRODUCED (reduced) | verdict |"),
    (claim(criterion=0.6), "| REPRODUCED | REPRODUCED | claim |"),
]


@pytest.mark.parametrize(("changed", "row"), CLAIMS)
def test_what_changed_in_a_claim_is_told(first, tmp_path, capsys, changed, row):
    second = write_run(tmp_path / "b", {"parity": data(VALUES)}, claims=[changed])
    status, out = compared(capsys, first, second)
    assert status == 1
    assert row in out
    assert "claims that differ: 1, files of data: 0" in out


def test_claims_and_cells_of_one_run_alone_are_told(first, tmp_path, capsys):
    not_run = {**claim(verdict="NOT RUN"), "cells": []}
    other = {**claim(), "claim": {"id": "other"}}
    second = write_run(tmp_path / "b", {"parity": data(VALUES)}, claims=[not_run, other])
    status, out = compared(capsys, first, second)
    assert status == 1
    assert "| dim 5 | 0.9 [0.8, 1.0] | –" in out
    assert "| other | | – | REPRODUCED | only in B |" in out


def test_bars_in_values_keep_the_table():
    assert compare.table(["a"], [["|v*|"]]).splitlines()[-1] == r"| \|v*\| |"


BROKEN = [
    ("claims.json", b'{"results": [', "not readable as verdicts, truncated or damaged"),
    ("claims.json", b"{}", "not readable as verdicts, truncated or damaged"),
    (
        "claims.json",
        b'{"provenance": {}, "results": [{"claim": {"id": "learnt"}}]}',
        "not readable as verdicts, truncated or damaged (KeyError('verdict'))",
    ),
    ("claims.json", b"[]", "not readable as verdicts, truncated or damaged"),
    ("claims.json", None, "the file is missing"),
    ("metrics/parity.nc", b"not netCDF", "not readable as netCDF4, truncated or damaged"),
    ("metrics/parity.nc", None, "no data in it"),
]


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
@pytest.mark.parametrize("side", [0, 1])
def test_a_run_that_cannot_be_read_is_one_clear_error(first, tmp_path, capsys, name, content, message, side):
    second = write_run(tmp_path / "second", {"parity": data(VALUES)})
    path = [first, second][side] / name
    path.unlink() if content is None else path.write_bytes(content)
    assert compare.run(first, second) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert str(path if path.exists() or name == "claims.json" else path.parent) in line
    assert message in line


NAN, INF = np.nan, np.inf
DIFFERENCES = {
    "numbers": ([1.0, 2.0, -4.0], [1.0, 2.5, -3.0], ["2 of 3", "1", "0.25", "0"]),
    "NaN": ([NAN, NAN, 1.0, 2.0], [NAN, 0.0, NAN, 3.0], ["3 of 4", "1", "0.333", "2"]),
    "the same infinities": ([INF, -INF], [INF, -INF], ["0 of 2", "0", "0", "0"]),
    "infinite and finite": ([INF], [1.0], ["1 of 1", "∞", "∞", "0"]),
    "opposite infinities": ([INF], [-INF], ["1 of 1", "∞", "∞", "0"]),
    "large integers that are one float": ([2**53], [2**53 + 1], ["1 of 1", "0", "0", "0"]),
    "words": (["a", "b"], ["a", "c"], ["1 of 2", "–", "–", "0"]),
    "nothing": ([], [], ["0 of 0", "0", "0", "0"]),
}


@pytest.mark.parametrize(("first", "second", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_difference_says_how_many_values_differ_and_how_far(first, second, expected):
    assert difference(np.array(first), np.array(second)) == expected


FLOATS = arrays(np.float64, 4, elements=st.floats(allow_nan=True, allow_infinity=True))


@given(FLOATS, FLOATS)
def test_difference_is_symmetric_and_zero_only_to_itself(first, second):
    assert difference(first, second) == difference(second, first)
    assert difference(first, first) == ["0 of 4", "0", "0", "0"]
    assert (difference(first, second)[0] == "0 of 4") == np.array_equal(first, second, equal_nan=True)


def test_a_sign_of_zero_is_a_bit():
    plus, minus = xr.Variable("seed", [0.0]), xr.Variable("seed", [-0.0])
    assert compare.same_bits(plus, plus)
    assert not compare.same_bits(plus, minus)
