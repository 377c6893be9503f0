"""Keeping the report of a run without its data."""

import re

import pytest

from conftest import ROOT
from gradient_failures.commands.publish import COPIED, run


@pytest.fixture
def results(tmp_path):
    """A finished run in a project."""
    folder = tmp_path / "results"
    for name in ["report/index.html", "metrics/parity.nc", *COPIED]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    return folder


def test_the_page_without_links_to_data_is_kept_with_what_it_links_to(results, tmp_path):
    assert run(results, tmp_path / "docs/kept") == 0
    copies = {path.name: path.read_text() for path in (tmp_path / "docs/kept").iterdir()}
    assert copies == {
        "index.html": "content of report/standalone.html",
        "summary.md": "content of report/summary.md",
        "claims.json": "content of claims.json",
        "config.yaml": "content of config.yaml",
        "ro-crate-metadata.json": "content of ro-crate-metadata.json",
    }


def test_an_unfinished_run_is_named_and_nothing_is_published(results, tmp_path, capsys):
    (results / "claims.json").unlink()
    assert run(results, tmp_path / "kept") == 1
    assert "claims.json is missing: finish the run with snakemake" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("name", COPIED)
def test_a_file_that_leads_out_of_the_results_is_refused_with_all_others(results, tmp_path, name, capsys):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (results / name).unlink()
    (results / name).symlink_to(secret)
    assert run(results, tmp_path / "kept") == 1
    assert f"leads out of the results, to {secret}" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


def test_results_may_lie_elsewhere_and_link_to_each_other(results, tmp_path):
    (results / "claims.json").rename(results / "first.json")
    (results / "claims.json").symlink_to("first.json")
    (tmp_path / "link").symlink_to(results)
    assert run(tmp_path / "link", tmp_path / "kept") == 0
    assert (tmp_path / "kept/claims.json").read_text() == "content of claims.json"
    assert not (tmp_path / "kept/claims.json").is_symlink()


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
