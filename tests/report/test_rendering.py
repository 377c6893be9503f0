"""What the page is made of, without a browser."""

import pytest

from gradient_failures.report import series, summary


def result(verdict, kind="paper", reduced=False):
    return {"claim": {"kind": kind}, "verdict": verdict, "reduced": reduced}


def test_summary_counts_the_claims_of_the_paper_only():
    results = [result("REPRODUCED"), result("NOT RUN"), result("REPRODUCED", kind="extension", reduced=True)]
    counted = summary(results)
    assert (counted["total"], counted["counts"]["REPRODUCED"], counted["reduced"], counted["not_run"]) == (
        2,
        1,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("values", "words"), [([5], "5"), ([5, 10], "5 and 10"), ([5, 10, 30], "5, 10 and 30")]
)
def test_series_in_words(values, words):
    assert series(values) == words


def test_markup_in_data_is_escaped(finished_copy):
    finished_copy.edit(
        "config/deviations.yaml", "topic: Parity, input encoding", 'topic: "<script>alert(1)</script>"'
    )
    finished_copy.run()
    page = (finished_copy.folder / "results/report/index.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
