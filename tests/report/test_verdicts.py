"""The verdicts of a run, summed up."""

from gradient_failures.claims.judge import Verdict
from gradient_failures.report.verdicts import LEGEND, SYMBOLS, claims_table, summary, unsettled
from report.conftest import result

REFUTED, PARTLY, OPEN, NOT_RUN = "NOT REPRODUCED", "PARTLY", "INCONCLUSIVE", "NOT RUN"


def test_every_verdict_has_a_symbol_and_a_meaning():
    assert set(SYMBOLS) == set(LEGEND) == set(Verdict)
    assert len(set(SYMBOLS.values())) == len(Verdict)


def test_claims_of_the_paper_are_counted_apart_for_experiments_and_theory():
    counts = summary(
        [
            result("a", "runs"),
            result("b", "runs", verdict=OPEN, reduced=True),
            result("c", "law", theorem="Lemma 1"),
            result("d", "law", theorem="Lemma 2", verdict=NOT_RUN),
            result("e", "runs", kind="extension", verdict=NOT_RUN, reduced=True),
        ]
    )
    assert counts == {
        "experiments": {"REPRODUCED": 1, OPEN: 1},
        "theory": {"REPRODUCED": 1, NOT_RUN: 1},
        "reduced": 2,
        "not_run": 2,
    }


def test_unsettled_is_what_full_runs_refute_and_what_of_the_paper_they_do_not_decide():
    results = [
        result("fine", "runs"),
        result("part", "runs", verdict=PARTLY),
        result("open", "runs", verdict=OPEN),
        result("refuted", "runs", verdict=REFUTED),
        result("too-small", "runs", verdict=REFUTED, reduced=True),
        result("open-question", "runs", verdict=OPEN, kind="extension"),
        result("refuted-question", "runs", verdict=REFUTED, kind="extension"),
        result("missing", "runs", verdict=NOT_RUN),
    ]
    names = [found["claim"]["id"] for found in unsettled(results)]
    assert names == ["refuted", "refuted-question", "part", "open"]


def test_the_table_has_a_row_for_each_claim_of_its_kind_with_all_cells():
    cells = [{"cell": f"d_in {d}", "measured": f"0.{d}"} for d in (5, 9)]
    both = r"d\_in 5: 0.5; d\_in 9: 0.9"
    results = [
        result("two", "runs", cells=cells, reduced=True, published="0.4 | 0.5"),
        result("one", "runs", cells=cells[:1]),
        result("none", "runs", cells=[], verdict=NOT_RUN),
        result("question", "runs", kind="extension"),
    ]
    assert claims_table(results, "paper").splitlines()[2:] == [
        rf"| ✔ REPRODUCED (reduced) | The statement two. (§1) | {both} | at least 0.3 | 0.4 \| 0.5 |",
        "| ✔ REPRODUCED | The statement one. (§1) | 0.5 | at least 0.3 | – |",
        "| – NOT RUN | The statement none. (§1) | – | at least 0.3 | – |",
    ]
