"""The provenance package of a real run: valid, complete, true, and of use when files are lost."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradient_failures.__main__ import main
from gradient_failures.commands import verify
from gradient_failures.provenance.crate import METADATA

VALIDATOR = Path(sys.prefix) / "validator"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def context():
    """The context of RO-Crate 1.1, from the package beside the validator that carries it."""
    (path,) = VALIDATOR.glob("lib/python*/site-packages/rocrate/data/ro-crate.jsonld")
    document = json.loads(path.read_text())
    assert document["@id"] == CONTEXT
    return document["@context"]


@pytest.mark.skipif(not VALIDATOR.exists(), reason="no validator of RO-Crates here (make test installs it)")
def test_crate_is_a_valid_workflow_run_crate(finished, tmp_path):
    """All that the profile requires; the context stands in the file, for the validator has no network."""
    shutil.copytree(finished.folder / "results", tmp_path / "results")
    metadata = tmp_path / "results" / METADATA
    document = json.loads(metadata.read_text())
    address, terms = document["@context"]
    assert address == CONTEXT
    metadata.write_text(json.dumps({**document, "@context": [context(), terms]}))
    command = [VALIDATOR / "bin/rocrate-validator", "--no-interactive", "validate", "--offline"]
    options = ["--profile-identifier", "workflow-run-crate", "--requirement-severity", "required"]
    outputs = ["--output-format", "json", "--output-file", tmp_path / "report.json"]
    cache = ["--cache-path", tmp_path / "cache"]
    subprocess.run([*command, *options, *outputs, *cache, tmp_path / "results"], capture_output=True)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["issues"] == []
    assert report["passed"]
    assert not report["skipped_checks"]


def test_crate_lists_every_file_and_no_folder_of_this_machine(finished, capsys):
    results = finished.folder / "results"
    assert verify.run(results) == 0
    assert "Besides" not in capsys.readouterr().out
    for name in (METADATA, "config.yaml"):
        assert str(finished.folder) not in (results / name).read_text()


def test_kept_program_is_the_one_that_ran(finished):
    kept = finished.folder / "results/project"
    names = [path.relative_to(kept) for path in kept.rglob("*.*") if path.name != ".snakemake_timestamp"]
    assert Path("src/gradient_failures/training/loop.py") in names
    assert Path("src/gradient_failures/report/page.html.j2") in names
    assert Path("requirements.lock") in names
    for name in names:
        assert (kept / name).read_bytes() == (finished.folder / name).read_bytes()


def test_commands_of_verify_mend_the_results(finished_copy, capsys, monkeypatch):
    """The kept configuration is that of the run: nothing is trained again."""
    monkeypatch.chdir(finished_copy.folder)
    results = Path("results")
    (results / "report/index.html").write_text("<html")
    (results / "project/Snakefile").unlink()
    assert main(["verify"]) == 1
    remove, make = (shlex.split(line) for line in capsys.readouterr().out.splitlines()[-2:])
    subprocess.run(remove, check=True)
    assert make[:4] == ["snakemake", "--cores", "all", "all"]
    done = finished_copy.run(*make[3:], config=None)
    assert "Computing" not in done
    assert "Combining" not in done
    assert main(["verify"]) == 0
