"""What the report is made of, without a browser."""

import json
import re

from pypdf import PdfReader

from conftest import FIGURES


def test_markup_in_data_is_escaped(finished_copy):
    finished_copy.edit(
        "config/deviations.yaml", "topic: Parity, input encoding", 'topic: "<script>alert(1)</script>"'
    )
    finished_copy.run()
    page = (finished_copy.folder / "results/report/index.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


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
