"""Checking results against the checksums in their crate."""

import json

import pytest

from gradient_failures.commands import verify
from gradient_failures.provenance.crate import CONFIG, METADATA, sha256

NAMES = ["metrics/dim~5,seed 1.nc", "figures/parity.png", CONFIG]


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    write_crate(tmp_path)
    return tmp_path


def write_crate(folder):
    files = [
        {
            "@id": name.replace(",", "%2C").replace(" ", "%20"),
            "@type": "File",
            "sha256": sha256(folder / name),
        }
        for name in NAMES
    ]
    (folder / METADATA).write_text(json.dumps({"@graph": [{"@id": "./", "@type": "Dataset"}, *files]}))


def test_intact_results_pass(folder, capsys):
    assert verify.run(folder) == 0
    assert capsys.readouterr().out == f"All 3 files in {folder} are as the run left them.\n"


DAMAGES = {
    "one bit": (
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        "altered",
    ),
    "appended": (lambda path: path.write_bytes(path.read_bytes() + b"x"), "altered"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:5]), "altered"),
    "emptied": (lambda path: path.write_bytes(b""), "altered"),
    "missing": (lambda path: path.unlink(), "missing"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "missing"),
}


@pytest.mark.parametrize(("act", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_told_by_its_kind(folder, capsys, act, message):
    act(folder / "figures/parity.png")
    assert verify.run(folder) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}/figures/parity.png: {message}"
    assert lines[1].startswith("1 of 3 files are not as the run left them.")


def test_a_file_that_cannot_be_read_is_a_problem(folder, monkeypatch, capsys):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(verify, "sha256", refuse)
    assert verify.run(folder) == 1
    assert f"{folder}/{CONFIG}: not readable (Permission denied)" in capsys.readouterr().out


def test_commands_name_every_damaged_file_the_crate_and_the_configuration(folder, capsys):
    (folder / "figures/parity.png").unlink()
    (folder / "metrics/dim~5,seed 1.nc").unlink()
    assert verify.run(folder) == 1
    remove, make = capsys.readouterr().out.splitlines()[-2:]
    assert (
        remove
        == f"  rm -f {folder}/figures/parity.png '{folder}/metrics/dim~5,seed 1.nc' {folder}/{METADATA}"
    )
    assert make == f"  snakemake --cores all all --configfile {folder}/{CONFIG}"


def test_a_damaged_configuration_is_not_run_again(folder, capsys):
    (folder / CONFIG).write_text("altered")
    assert verify.run(folder) == 1
    assert "--configfile of the run, if it had one" in capsys.readouterr().out.splitlines()[-1]


def test_extra_files_are_told_but_no_error(folder, capsys):
    (folder / "note.txt").write_text("mine")
    (folder / "metrics/.hidden").write_text("")
    (folder / ".previous").mkdir()
    (folder / ".previous/parity.nc").write_text("")
    assert verify.run(folder) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Besides them, 1 not of this run: note.txt"


def test_of_many_extra_files_only_some_are_named(folder, capsys):
    for number in range(12):
        (folder / f"note{number:02}.txt").write_text("")
    verify.run(folder)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Besides them, 12 not of this run: note00.txt")
    assert last.endswith("note09.txt, …")


def test_another_run_below_the_folder_is_not_extra(folder, capsys):
    (folder / "smoke/metrics").mkdir(parents=True)
    (folder / "smoke" / METADATA).write_text("{}")
    (folder / "smoke/metrics/parity.nc").write_text("")
    assert verify.run(folder) == 0
    assert "Besides" not in capsys.readouterr().out


NOT_CRATES = {
    "truncated": '{"@graph": [{"@id": ',
    "empty": "",
    "no graph": "{}",
    "a list": "[]",
    "no checksum": '{"@graph": [{"@id": "a", "@type": "File"}]}',
    "no files": '{"@graph": [{"@id": "./", "@type": "Dataset"}]}',
    "not text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("content", NOT_CRATES.values(), ids=NOT_CRATES)
def test_an_unreadable_crate_is_one_clear_error(folder, capsys, content):
    (folder / METADATA).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert verify.run(folder) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"{folder}/{METADATA}: ")
    assert f"snakemake --cores all {folder}/{METADATA}" in line


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_missing_crate_is_one_clear_error(folder, capsys, name):
    (folder / METADATA).unlink()
    assert verify.run(folder / name) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder / name / METADATA}: the file is missing. Make it with: ")
