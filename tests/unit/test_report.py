"""What the report computes from data."""

import math
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
import xarray as xr

from gradient_failures.claims import Verdict, meets
from gradient_failures.config.claims import Criterion
from gradient_failures.report import (
    data_uri,
    duration,
    extent,
    learning_table,
    markdown,
    share_of_small_targets,
    tightest,
    updates_to,
)
from gradient_failures.statistics import Estimate, rate


def test_the_learning_table_has_success_and_speed_for_each_value_of_the_axis():
    passages = {5: [100, 300, 200, math.inf], 30: [math.inf, math.inf, math.inf, 400]}
    step = np.arange(0, 500, 100)
    accuracy = xr.DataArray(
        [[np.where(step >= passage, 0.95, 0.5) for passage in runs] for runs in passages.values()],
        dims=("dim", "seed", "step"),
        coords={"dim": list(passages), "step": step},
    )
    easy, hard = learning_table(accuracy, level=0.9)
    assert (easy["value"], hard["value"]) == (5, 30)
    assert (easy["rate"], hard["rate"]) == (rate(3, 4), rate(1, 4))
    assert (easy["steps"].value, easy["steps"].low, easy["steps"].high) == (300, 100, math.inf)
    assert (hard["steps"].value, hard["steps"].low, hard["steps"].high) == (math.inf, 400, math.inf)
    assert [row["rate"].value for row in learning_table(accuracy, level=0.96)] == [0, 0]


def test_an_image_comes_back_from_its_address():
    image = b"<svg a=\"1,2\" b='#x'>\n\xc2\xa7 50%</svg>\n"
    head, content = data_uri(image).split(",", 1)
    assert head == "data:image/svg+xml"
    assert not set(content) & set("\"'<>#&\n")
    assert unquote_to_bytes(content) == image


def test_extent_spans_numbers_lists_names_and_counts_seeds():
    axes = {
        "dim": ("input dimension d", [2, 10, 30]),
        "approach": ("source of the gradient", ["end_to_end", "decomposition"]),
        "tuple_length": ("images in a tuple, k", [3]),
        "seed": ("seed", range(4)),
    }
    data = xr.DataArray(
        np.zeros([len(values) for _, values in axes.values()]),
        dims=tuple(axes),
        coords={axis: (axis, list(values), {"long_name": name}) for axis, (name, values) in axes.items()},
    )
    assert extent(data, [{}]) == (
        "input dimension d from 2 to 30; source of the gradient: end_to_end and decomposition; "
        "images in a tuple, k: 3; 4 seeds"
    )
    assert extent(data, [{"approach": "end_to_end"}, {"dim": 2, "approach": "decomposition"}]) == (
        "images in a tuple, k: 3; 4 seeds"
    )


@pytest.mark.parametrize(
    ("criterion", "low", "high", "share"),
    [
        ({"at_most": 2}, 0.1, 0.5, 0.25),
        ({"at_most": 2}, 0.1, 3, 1.5),
        ({"at_most": 2}, -3, -2, 0),
        ({"at_most": -0.5}, -3, -2, 0.25),
        ({"at_most": -0.5}, -3, -0.25, 2),
        ({"at_most": -0.5}, -3, 0.1, math.inf),
        ({"at_least": 3}, 4, 9, 0.75),
        ({"at_least": 3}, -1, 9, math.inf),
        ({"at_least": -0.1}, -0.05, 3, 0.5),
        ({"within": [0.9, 1.1]}, 0.98, 1.05, 0.5),
        ({"within": [0.9, 1.1]}, 0.85, 1.05, 1.5),
        ({"at_most": 0}, -1, 0, math.nan),
        ({"contains": 3}, 2, 5, math.nan),
        ({"at_most": 2}, 0.1, None, math.nan),
    ],
)
def test_the_share_of_what_a_criterion_allows(criterion, low, high, share):
    cells = [{"cell": "one", "estimate": {"value": 1.0, "low": low, "high": high, "n": 5}}]
    found = tightest({"claim": {"criterion": criterion}, "cells": cells})["share"]
    assert found == pytest.approx(share, nan_ok=True)
    if math.isfinite(share):
        verdict = meets(Estimate(1.0, low, high, 5), Criterion(**criterion))
        assert (verdict == Verdict.REPRODUCED) == (share <= 1)


def test_the_tightest_cell_is_the_one_with_the_largest_share():
    cells = [
        {"cell": str(high), "estimate": {"value": 0.1, "low": 0.0, "high": high, "n": 5}}
        for high in (0.2, None, 0.6, 0.4)
    ]
    found = tightest({"claim": {"criterion": {"at_most": 1}}, "cells": cells})
    assert (found["cell"], found["share"]) == ("0.6", 0.6)


def test_the_share_of_small_targets_counts_the_targets_of_each_size():
    signal = xr.DataArray(
        [[8.0, 4.0, 2.0, 1.0, 0.5], [0.0, 0.0, 1.0, 0.0, 6.0]],
        dims=("seed", "subset_size"),
        coords={"subset_size": range(5)},
    )
    first, second = (8 + 4 * 4 + 6 * 2) / (8 + 4 * 4 + 6 * 2 + 4 * 1 + 0.5), 6 / 12
    assert share_of_small_targets(signal) == pytest.approx((first + second) / 2)


def test_updates_to_an_error_are_those_of_its_first_passage():
    error = xr.DataArray([1.0, 0.5, 0.05, 0.2], dims="iteration", coords={"iteration": [0, 10, 20, 30]})
    assert (updates_to(error, 0.5), updates_to(error, 0.1), updates_to(error, 0.01)) == (10, 20, math.inf)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12.3, "12 s"), (59.4, "59 s"), (90, "1.5 min"), (3599, "60.0 min"), (18360, "5.1 h")],
)
def test_durations_have_the_unit_that_suits_them(seconds, words):
    assert duration(seconds) == words


def test_signs_of_markdown_are_escaped():
    assert markdown("|v*| < 5, d_max: [0.1, 0.2]") == r"\|v\*\| \< 5, d\_max: [0.1, 0.2]"
    assert markdown("a row\n\n# and no other") == "a row # and no other"
    assert markdown("[no link](javascript:x) &lt;") == r"[no link]\(javascript:x) \&lt;"
