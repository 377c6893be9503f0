"""What the report is made of, without a browser."""

import json
import re
from urllib.parse import unquote_to_bytes

import pytest
from pypdf import PdfReader

from gradient_failures.commands.publish import publish
from gradient_failures.config.problem import problems
from gradient_failures.report.page import data_uri
from report.conftest import arguments, result
from tiny_runs import tiny_config


def between(page, start, end):
    """The part of ``page`` from ``start`` to the next ``end``."""
    return page.split(start, 1)[1].split(end, 1)[0]


def test_problems_are_in_the_order_of_the_configuration_with_what_their_views_say(toy):
    page = toy()["page"]
    anchors = re.findall('<section id="(.*?)">', page)
    assert anchors[:4] == ["claims", "zebra", "ant", "theory"]
    assert "<h2>Zebras & co: 0.75 after 20 steps, reproduced</h2>" in page
    links = re.findall('<a href="#(.*?)">(.*?)</a>', between(page, "<nav", "</nav>"))
    assert links[:3] == [("claims", "Claims"), ("zebra", "Zebras"), ("ant", "Ants")]
    assert [anchor for anchor, _ in links] == anchors


def test_a_section_knows_whether_the_run_was_reduced(toy):
    small = arguments()["results"]
    small[0]["reduced"] = True
    assert "This herd is small." not in toy()["page"]
    assert "This herd is small." in toy(results=small)["page"]


def test_a_figure_has_its_title_and_links_to_its_code_its_data_and_its_files(toy):
    figure = between(toy()["page"], '<figure id="figure-herd">', "</figure>")
    assert f'<img src="{data_uri(b"<svg>herd</svg>")}" alt="Zebras &lt;by width&gt;.">' in figure
    assert "<strong>Figure 1: a herd.</strong> Every zebra." in figure
    assert re.findall('href="(.*?)"', figure) == [
        "../../src/gradient_failures/problems/zebra/figures/herd.py",
        "../metrics/stripes.nc",
        "../metrics/law.nc",
        "../figures/herd.svg",
        "../figures/herd.png",
        "../figures/herd.pdf",
    ]


def test_a_grid_without_a_figure_has_a_generic_one_and_others_have_none(toy):
    page = toy()["page"]
    assert re.findall('<figure id="(.*?)">', page) == ["figure-herd", "figure-grids-stripes_again"]
    figure = between(page, '<figure id="figure-grids-stripes_again">', "</figure>")
    assert data_uri(b"<svg>again</svg>") in figure
    assert "../figures/grids/stripes_again.pdf" in figure
    assert page.index('id="zebra"') < page.index("figure-grids") < page.index('id="ant"')


def test_a_table_has_headings_and_row_headers_and_takes_markup_only_if_marked(toy):
    table = between(toy()["page"], 'aria-label="Widths of stripes and lines">', "</table>")
    assert re.findall('<th scope="col">(.*?)</th>', table) == ["Kind", "k<sup>2</sup>"]
    assert re.findall('<th scope="row">(.*?)</th>', table) == ["narrow", "wide"]
    assert re.findall("<td>(.*?)</td>", table) == ["1", "&lt;2&gt;"]


def test_evidence_has_cost_data_and_claims_of_each_computation(toy):
    open_claim = result("zebra-open", "stripes_again", verdict="INCONCLUSIVE", reduced=True)
    page = toy(results=[*arguments()["results"], open_claim])["page"]
    first, second = re.findall('<p class="sources">Computed by (.*?)</p>\n<dl(.*?)</dl>', page, re.DOTALL)
    assert "problems/zebra/stripes.py" in first[0]
    assert "<code>zebra.stripes</code>" in first[0]
    assert "3 jobs, 1.0 min of core time" in first[0]
    assert re.findall(r">(\w+\.nc)<", first[0]) == ["stripes.nc", "stripes_again.nc"]
    assert re.findall('<dt id="(.*?)">', first[1]) == ["zebra-learnt", "zebra-open"]
    assert "<p>the reason of zebra-open.</p>" in first[1]
    assert "1 job, 4 s of core time" in second[0]
    assert re.findall('<dt id="(.*?)">', second[1]) == ["zebra-law"]


def test_the_overview_counts_the_verdicts_on_claims_of_the_paper_by_section(toy):
    more = [
        result("zebra-open", "stripes", verdict="INCONCLUSIVE"),
        result("ant-question", "hill", kind="extension", verdict="NOT REPRODUCED"),
    ]
    page = toy(results=[*arguments()["results"], *more])["page"]
    rows = re.findall("<tr>(.*?)</tr>", between(page, '<table class="overview">', "</table>"))
    assert [re.sub("<.*?>", " ", row).split() for row in rows[1:]] == [
        ["Zebras", "2", "✔", "REPRODUCED", "1", "?", "INCONCLUSIVE"]
    ]
    unsettled = re.findall('href="#(.*?)"', between(page, "What did not hold up", "<nav"))
    assert unsettled == ["ant-question", "zebra-open"]


def test_findings_of_other_runs_are_marked_and_dated(toy):
    page = toy()["page"]
    assert page.count("<h3>From other runs</h3>") == 1
    assert '<li>2026-01-01, commit f00, on <a href="#zebra">zebras</a>: They run.</li>' in page


def test_costs_and_origins_are_those_of_the_data(toy):
    page = toy()["page"]
    assert "took 1.2 min of core time in 6 jobs, 1.1 min of it to train and to measure" in page
    row = between(page, '<th scope="row">compute_zebra_stripes</th>', "</tr>")
    assert re.findall("<td>(.*?)</td>", row) == ["3", "1.0 min", "50 s", "40 s", "300 MiB", "cpu"]
    assert "12 core-seconds on cpu; commit abc1234; code c0dec0dec0de" in page


def test_local_changes_and_other_commits_are_told(toy):
    data = arguments()["data"]
    data["law"].attrs |= {"runs_git_commit": "fff0000 abc1234", "runs_git_dirty": 1}
    page = toy(data=data)["page"]
    assert "commit abc1234, fff0000, with local changes; code" in page
    assert "(data were made at commit abc1234, fff0000)" in page


def test_the_standalone_page_keeps_its_words_and_links_to_nothing_that_stays_behind(toy):
    rendered = toy()
    page, standalone = rendered["page"], rendered["standalone"]
    addresses = set(re.findall('<a href="([^#].*?)"', standalone))
    assert addresses == {"config.yaml", "https://arxiv.org/abs/1703.07950"}
    assert re.findall('"#.*?"', standalone) == re.findall('"#.*?"', page)
    assert re.sub("<.*?>", "", standalone) == re.sub("<.*?>", "", page)


def test_markup_in_data_is_shown_as_text(toy):
    script = "<script>alert(1)</script>"
    keys = ("statement", "source", "published", "why")
    texts = {key: f"{key} {script} [x](javascript:x) |" for key in keys}
    judged = arguments()["results"]
    judged[0]["claim"] |= texts
    deviations = [{key: script for key in ("topic", "text", "released", "here", "effect")}]
    findings = {"zebra": [{"date": "2026-01-01", "runs": script, "section": "zebra", "text": script}]}
    rendered = toy(results=judged, deviations=deviations, findings=findings)
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;"
    for page in (rendered["page"], rendered["standalone"]):
        assert "<script>" not in page
        assert all(f"{key} {shown}" in page for key in texts)
        assert page.count(shown) >= len(texts) + 5 + 2
    for key in ("statement", "source", "published"):
        assert rf"{key} \<script\>alert(1)\</script\> [x]\(javascript:x) \|" in rendered["summary"]


def test_an_image_comes_back_from_its_address():
    image = b"<svg a=\"1,2\" b='#x'>\n\xc2\xa7 50%</svg>\n"
    head, content = data_uri(image).split(",", 1)
    assert head == "data:image/svg+xml"
    assert not set(content) & set("\"'<>#&\n")
    assert unquote_to_bytes(content) == image


@pytest.mark.parametrize("name", problems())
def test_every_computation_is_shown_in_one_section(name):
    shown = [part for _, parts in problems()[name].sections.values() for part in parts]
    assert sorted(shown) == sorted(problems()[name].computations)


def test_sections_of_a_run_are_in_the_order_of_the_configuration(finished):
    page = (finished.folder / "results/report/index.html").read_text()
    anchors = [anchor for name in tiny_config().problems for anchor in problems()[name].sections]
    assert re.findall('<section id="(.*?)">', page)[1 : len(anchors) + 1] == anchors


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
    for row, judged in zip(rows, ordered, strict=True):
        assert len(row) == 5
        assert judged["verdict"] in row[0]
        assert re.sub(r"\\(.)", r"\1", row[1]).startswith(judged["claim"]["statement"])


def test_every_link_of_the_published_page_resolves(finished, tmp_path):
    publish(finished.folder / "results", tmp_path)
    page = (tmp_path / "index.html").read_text()
    for address in set(re.findall('<a href="(.*?)"', page)) - {"https://arxiv.org/abs/1703.07950"}:
        file, _, anchor = address.partition("#")
        assert (tmp_path / (file or "index.html")).exists(), address
        assert not anchor or page.count(f'id="{anchor}"') == 1, address


def test_the_figures_are_bound_in_the_order_of_the_report(finished, drawn):
    book = PdfReader(finished.folder / "results/report/figures.pdf")
    assert len(book.pages) == len(drawn)
    titles = [PdfReader(finished.folder / f"results/figures/{name}.pdf").metadata.title for name in drawn]
    assert [entry.title for entry in book.outline] == titles
    assert [book.get_destination_page_number(entry) for entry in book.outline] == [*range(len(drawn))]
    assert "code_hash: " in book.metadata.subject


def test_snakemakes_own_report_has_the_figures_with_their_captions(finished_copy, drawn):
    done = finished_copy.snakemake("--report", "extra.html")
    assert done.returncode == 0, done.stdout
    page = (finished_copy.folder / "extra.html").read_text()
    for name in drawn:
        assert f"{name}.svg" in page
    assert "by input dimension, and how often they are learnt" in page
