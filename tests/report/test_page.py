"""The report in a real browser, from disk, as a reader opens it."""

import io
import json
import re
import shutil
import unicodedata
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

AFTER_THE_COSTS = {"costs", "figures_pdf", "report", "crate"}
"""Rules whose jobs run when the costs have been summed up, or beside that."""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, finished):
    """Open the report; requests to anywhere but the file and messages on the console are collected."""
    contexts = []

    def open_with(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.trouble = []
        page.on("console", lambda message: page.trouble.append(message.text))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("request", lambda request: note_foreign(page, request.url))
        page.goto((finished.folder / "results/report/index.html").as_uri())
        return page

    yield open_with
    for context in contexts:
        context.close()


def note_foreign(page, url):
    if not url.startswith(("data:", "file:")) or (url.startswith("file:") and not url.endswith("index.html")):
        page.trouble.append(url)


def verdicts(finished):
    return json.loads((finished.folder / "results/claims.json").read_text())["results"]


def test_no_console_messages_and_no_requests_beside_the_file(open_page):
    page = open_page()
    assert page.locator("h1").inner_text().startswith("Failures of Gradient-Based Deep Learning")
    assert page.trouble == []


def test_one_row_for_each_claim_with_its_verdict_without_javascript(open_page, finished):
    page = open_page(java_script_enabled=False)
    rows = page.locator("tr[data-claim]")
    shown = {
        row.get_attribute("data-claim"): row.locator(".verdict").inner_text().split(" ", 1)[1]
        for row in rows.all()
    }
    assert shown == {result["claim"]["id"]: result["verdict"] for result in verdicts(finished)}


def test_content_is_the_same_without_javascript(open_page):
    with_scripts, without = open_page(), open_page(java_script_enabled=False)
    assert without.locator("body").inner_text() == with_scripts.locator("body").inner_text()


def test_headline_counts_the_reproduced_claims_of_the_paper(open_page, finished):
    paper = [result for result in verdicts(finished) if result["claim"]["kind"] == "paper"]
    headlines = open_page().locator(".headline").all_inner_texts()
    for is_theory, headline in zip((False, True), headlines, strict=True):
        subject = [result["verdict"] for result in paper if bool(result["claim"]["theorem"]) == is_theory]
        assert headline.startswith(f"{subject.count('REPRODUCED')} of {len(subject)} claims")
        counted = sum(int(number) for number in re.findall(r"(\d+) (?!of)", headline.split("reproduced")[1]))
        assert counted == len(subject) - subject.count("REPRODUCED")


def test_reduced_run_says_so(open_page):
    assert "reduced" in open_page().locator(".notice").inner_text()


def test_every_link_resolves(open_page):
    page = open_page()
    links = set(page.eval_on_selector_all("a", "links => links.map(link => link.href)"))
    assert len(links) > 100
    for link in links - {"https://arxiv.org/abs/1703.07950"}:
        target = urlparse(link)
        assert target.scheme == "file"
        assert Path(unquote(target.path)).exists(), link
        if target.fragment:
            assert page.locator(f'[id="{target.fragment}"]').count() == 1, link


def test_figures_are_drawn_and_described(open_page, drawn):
    images = open_page().locator("img")
    assert images.count() == len(drawn)
    for image in images.all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 300")
        assert len(image.get_attribute("alt")) > 40


@pytest.mark.parametrize("width", [375, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_does_not_scroll_sideways(open_page, width, scheme):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [375, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(open_page, width, scheme):
    found = Axe().run(open_page(viewport={"width": width, "height": 900}, color_scheme=scheme))
    assert found.response["testEngine"]["name"] == "axe-core"
    assert found.violations_count == 0, found.generate_report()


def test_page_prints_with_every_claim_and_figure(open_page, finished, drawn):
    printed = PdfReader(io.BytesIO(open_page().pdf(format="A4")))
    text = "".join(page.extract_text() for page in printed.pages)
    for result in verdicts(finished):
        assert squeezed(result["claim"]["statement"]) in squeezed(text)
    assert text.count("Drawn by") == len(drawn)


def squeezed(text):
    """``text`` without ligatures, and without the white space, which moves when lines are broken."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_the_picture_of_the_data_flow_has_every_data_file_and_figure(open_page, finished, drawn):
    shown = open_page().locator("svg.dataflow text").all_text_contents()
    data = [path.name for path in (finished.folder / "results/metrics").glob("*.nc")]
    assert {*data, *drawn} <= {*shown}


def test_no_text_of_the_picture_of_the_data_flow_runs_into_its_arrows(open_page):
    ends = "text => [+text.getAttribute('x'), text.getAttribute('x') * 1 + text.getComputedTextLength()]"
    texts = open_page().eval_on_selector_all("svg.dataflow text", f"texts => texts.map({ends})")
    starts = open_page().eval_on_selector_all(
        "svg.dataflow path", "paths => paths.map(path => +path.getAttribute('d').slice(1).split(',')[0])"
    )
    for x, end in texts:
        assert end < min([start for start in starts if start > x], default=1000)


def test_the_cost_table_has_a_row_for_each_rule(open_page, finished):
    rows = open_page().locator("#costs tbody tr").all_inner_texts()
    jobs = {row.split()[0]: int(row.split()[1]) for row in rows}
    logs = finished.folder / "logs"
    measured = Counter(path.relative_to(logs).parts[0].removesuffix(".tsv") for path in logs.rglob("*.tsv"))
    assert jobs == {rule: count for rule, count in measured.items() if rule not in AFTER_THE_COSTS}
    assert jobs["compute_parity_experiment"] > 1
    assert jobs["claims"] == jobs["figure_parity"] == 1
