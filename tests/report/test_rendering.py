"""What the report is made of, without a browser."""

import json
import re

from pypdf import PdfReader

from conftest import FIGURES


def test_markup_in_data_is_shown_as_text(finished_copy):
    script = "<script>alert(1)</script>"
    finished_copy.edit("config/deviations.yaml", "topic: Parity, input encoding", f'topic: "{script}"')
    for key, value in {
        "statement": "Parities of 5 bits are learnt.",
        "source": "§2.1, figure 1",
        "published": "one run, first at 0.99 after 2110 steps",
    }.items():
        finished_copy.edit(
            "config/claims.yaml", f"{key}: {value}", f'{key}: "{key} {script} [x](javascript:x) |"'
        )
    finished_copy.run()
    page = (finished_copy.folder / "results/report/index.html").read_text()
    assert "<script>" not in page
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;"
    for text in (shown, *(f"{key} {shown}" for key in ("statement", "source", "published"))):
        assert text in page
    summary = (finished_copy.folder / "results/report/summary.md").read_text()
    for key in ("statement", "source", "published"):
        assert rf"{key} \<script\>alert(1)\</script\> [x]\(javascript:x) \|" in summary


def test_a_full_run_is_told_what_differs_and_why(finished_copy):
    """As if the claims of the tiny run had been judged on all their steps and seeds."""
    claims = finished_copy.folder / "results/claims.json"
    claims.write_text(claims.read_text().replace('"reduced": true', '"reduced": false'))
    finished_copy.run()
    page = (finished_copy.folder / "results/report/index.html").read_text()
    assert "Full run: every claim" in page
    assert page.count("What differs, and why.") == 2
    assert "nan" not in re.sub("<[^>]*>", "", page.split("What differs, and why.", 1)[1].split("</p>")[0])


def test_the_summary_has_one_row_for_each_claim_with_its_verdict(finished):
    summary = (finished.folder / "results/report/summary.md").read_text()
    rows = [re.split(r" (?<!\\)\| ", line) for line in summary.splitlines() if re.match(r"\| [✔◐✘?–]", line)]
    results = json.loads((finished.folder / "results/claims.json").read_text())["results"]
    ordered = [r for kind in ("paper", "extension") for r in results if r["claim"]["kind"] == kind]
    for row, result in zip(rows, ordered, strict=True):
        assert len(row) == 5
        assert result["verdict"] in row[0]
        assert re.sub(r"\\(.)", r"\1", row[1]).startswith(result["claim"]["statement"])


def test_the_figures_are_bound_in_the_order_of_the_paper(finished):
    book = PdfReader(finished.folder / "results/report/figures.pdf")
    assert len(book.pages) == len(FIGURES)
    titles = [PdfReader(finished.folder / f"results/figures/{name}.pdf").metadata.title for name in FIGURES]
    assert [entry.title for entry in book.outline] == titles
    assert [book.get_destination_page_number(entry) for entry in book.outline] == [*range(len(FIGURES))]
    assert "code_hash: " in book.metadata.subject


def test_snakemakes_own_report_has_the_figures_with_their_captions(finished_copy):
    done = finished_copy.snakemake("--report", "extra.html")
    assert done.returncode == 0, done.stdout
    page = (finished_copy.folder / "extra.html").read_text()
    for name in FIGURES:
        assert f"{name}.svg" in page
    assert "how often they are learnt, by dimension" in page
