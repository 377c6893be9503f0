"""The words and numbers of the report."""

import base64

import pytest

from gradient_failures.report import data_uri, measured, series, summary


def result(verdict, kind="paper", reduced=False):
    return {"claim": {"kind": kind}, "verdict": verdict, "reduced": reduced, "cells": []}


def cell(value, low, high, label=""):
    return {"cell": label, "estimate": {"value": value, "low": low, "high": high, "n": 16}}


@pytest.mark.parametrize(
    ("values", "words"),
    [([5], "5"), ([5, 10], "5 and 10"), ([5, 10, 30], "5, 10 and 30"), (["a", "b"], "a and b")],
)
def test_a_series_reads_like_a_sentence(values, words):
    assert series(values) == words


def test_the_summary_counts_the_claims_of_the_paper():
    counted = summary(
        [
            result("REPRODUCED"),
            result("REPRODUCED", reduced=True),
            result("INCONCLUSIVE", reduced=True),
            result("REPRODUCED", kind="extension"),
            result("NOT RUN", kind="extension"),
        ]
    )
    assert counted["total"] == 3
    assert counted["counts"] == {"REPRODUCED": 2, "INCONCLUSIVE": 1}
    assert counted["reduced"] == 2
    assert counted["not_run"] == 1


@pytest.mark.parametrize(
    ("estimate", "line"),
    [
        ((0.5, 0.25, 0.75), "0.5 [0.25, 0.75], n = 16"),
        ((0.0, 0.0, 0.0), "0, n = 16"),
        ((2000, 1500, None), "2\u202f000 [1\u202f500, never], n = 16"),
        ((None, None, None), "never, n = 16"),
    ],
)
def test_an_estimate_is_shown_with_its_interval(estimate, line):
    assert measured({"cells": [cell(*estimate)]}) == [line]


def test_several_cells_are_told_apart():
    lines = measured({"cells": [cell(1.0, 0.5, 1.0, "dim 5"), cell(0.0, 0.0, 0.5, "dim 10")]})
    assert lines == ["dim 5: 1 [0.5, 1], n = 16", "dim 10: 0 [0, 0.5], n = 16"]


def test_an_image_comes_back_from_its_address():
    image = b"<svg>\xc2\xa7</svg>"
    head, content = data_uri(image).split(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == image
