"""The verdicts of a run, summed up in words and in a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gradient_failures.claims.judge import Verdict
from gradient_failures.report import markdown

Result = Mapping[str, Any]
"""A claim with its verdict, as in ``claims.json``."""

SYMBOLS = {
    Verdict.REPRODUCED: "✔",
    Verdict.PARTLY: "◐",
    Verdict.NOT_REPRODUCED: "✘",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_RUN: "–",
}

LEGEND = {
    Verdict.REPRODUCED: "the interval meets the criterion",
    Verdict.NOT_REPRODUCED: "it lies outside",
    Verdict.INCONCLUSIVE: "it straddles, or the run was too small",
    Verdict.PARTLY: "some grid points one way, some the other",
    Verdict.NOT_RUN: "its data are not part of the run",
}
"""What each verdict means."""

KINDS = {"paper": "Claims of the paper", "extension": "Questions of our own"}


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """Verdicts on the paper's experiments and on its theorems, and whether the run was a full one."""
    paper = [result for result in results if result["claim"]["kind"] == "paper"]
    return {
        "experiments": Counter(result["verdict"] for result in paper if not result["claim"]["theorem"]),
        "theory": Counter(result["verdict"] for result in paper if result["claim"]["theorem"]),
        "reduced": sum(result["reduced"] for result in results),
        "not_run": sum(result["verdict"] == Verdict.NOT_RUN for result in results),
    }


def unsettled(results: Sequence[Result]) -> list[Result]:
    """What did not hold up in runs of full size, and then claims of the paper that these do not decide."""
    full = [result for result in results if not result["reduced"]]
    refuted = [result for result in full if result["verdict"] == Verdict.NOT_REPRODUCED]
    undecided = [result for result in full if result["verdict"] in (Verdict.PARTLY, Verdict.INCONCLUSIVE)]
    return refuted + [result for result in undecided if result["claim"]["kind"] == "paper"]


def claims_table(results: Sequence[Result], kind: str) -> str:
    """The claims of one kind, in Markdown."""
    rows = [map(markdown.escaped, _cells(result)) for result in results if result["claim"]["kind"] == kind]
    return markdown.table(["Verdict", "Claim", "Measured [interval]", "Criterion", "Published"], rows)


def _cells(result: Result) -> list[str]:
    claim, several = result["claim"], len(result["cells"]) > 1
    measured = [
        f"{cell['cell']}: {cell['measured']}" if several else cell["measured"] for cell in result["cells"]
    ]
    return [
        f"{SYMBOLS[result['verdict']]} {result['verdict']}{' (reduced)' if result['reduced'] else ''}",
        f"{claim['statement']} ({claim['source']})",
        "; ".join(measured) or "–",
        result["criterion_in_words"],
        claim["published"] or "–",
    ]
