"""Keeping the report of a run without its data."""

import re

import pytest

from conftest import ROOT
from gradient_failures.publish import COPIED, main, publish

PAGE = """
<a href="../metrics/parity.nc">parity.nc</a> <a href="../config.yaml">config.yaml</a>
<a href="../../src/draw.py">draw.py</a> <a href="figures.pdf">all</a> <a href="summary.md">summary</a>
<a href="#claims">Claims</a>
<a href="https://arxiv.org/abs/1703.07950">arXiv</a>
"""


@pytest.fixture
def results(tmp_path):
    """A finished run in a project."""
    folder = tmp_path / "results"
    for name in ["report/index.html", "metrics/parity.nc", *COPIED]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(PAGE if name.endswith("html") else f"content of {name}")
    return folder


def test_links_to_data_lose_their_address_and_others_are_kept(results, tmp_path):
    publish(results, tmp_path / "docs/deep/report")
    links = re.findall(r'<a href="(.*?)">(.*?)</a>', (tmp_path / "docs/deep/report/index.html").read_text())
    assert links == [
        ("config.yaml", "config.yaml"),
        ("../../../src/draw.py", "draw.py"),
        ("summary.md", "summary"),
        ("#claims", "Claims"),
        ("https://arxiv.org/abs/1703.07950", "arXiv"),
    ]
    assert "parity.nc <a" in (tmp_path / "docs/deep/report/index.html").read_text()


def test_verdicts_and_provenance_are_copied(results, tmp_path):
    publish(results, tmp_path / "kept")
    copies = {path.name: path.read_text() for path in (tmp_path / "kept").iterdir()}
    assert copies.pop("index.html")
    assert copies == {name.split("/")[-1]: f"content of {name}" for name in COPIED}


def test_an_unfinished_run_is_named_and_nothing_is_published(results, tmp_path, capsys):
    (results / "claims.json").unlink()
    assert main([str(results), str(tmp_path / "kept")]) == 1
    assert "claims.json is missing: finish the run with snakemake" in capsys.readouterr().err
    assert not (tmp_path / "kept/index.html").exists()


def test_the_published_report_is_small_and_its_links_resolve():
    folder = ROOT / "docs/report"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000
    page = (folder / "index.html").read_text()
    for address in re.findall(r'<a href="([^"#:]+)"', page):
        assert (folder / address).exists(), address


def test_the_readme_has_the_headlines_of_the_published_report():
    headlines = re.findall(r"^\*\*.* claims .*$", (ROOT / "docs/report/summary.md").read_text(), re.MULTILINE)
    assert len(headlines) == 2
    for headline in headlines:
        assert headline.rstrip(".") in (ROOT / "README.md").read_text()
