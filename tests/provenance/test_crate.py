"""The provenance package: what it says of a run and of its files."""

import json

import pytest

from gradient_failures.provenance import crate

CITATION = {
    "title": "A reproduction",
    "version": "0.1.0",
    "license": "MIT",
    "authors": [{"name": "The authors"}],
    "preferred-citation": {
        "title": "A paper",
        "year": 2017,
        "url": "https://example.org/paper",
        "authors": [{"given-names": "Ada", "family-names": "Lovelace"}],
    },
}


def origin(**changes):
    return {
        "title": "All runs",
        "history": "2026-01-02T10:00:00Z computed",
        "git_commit": "abc",
        "git_dirty": 0,
        "lock_hash": "0" * 64,
        "machine": "one machine",
        "torch_version": "2.13.0",
        **changes,
    }


RESULTS = {
    "metrics/first.nc": origin(),
    "metrics/dim~5,seed 1.nc": origin(history="2026-01-01T09:30:00Z computed", machine="another machine"),
    "claims.json": origin(history="2026-01-02T11:00:00Z computed", git_dirty=1),
    "figures/parity.png": {},
}


@pytest.fixture
def folder(tmp_path):
    for name in [*RESULTS, "config.yaml", "project/Snakefile", "project/src/a.py"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    return tmp_path


def described(folder, results=RESULTS):
    return crate.describe(
        folder,
        workflow="project/Snakefile",
        language=("snakemake", "9.27.1"),
        sources=["project/src/a.py"],
        inputs={"config": "config.yaml"},
        results=results,
        citation=CITATION,
    )


def entities(document):
    return {entity["@id"]: entity for entity in document["@graph"]}


def ids(references):
    return [reference["@id"] for reference in references]


def test_every_file_is_listed_with_size_checksum_and_media_type(folder):
    found = entities(described(folder))
    assert len(ids(found["./"]["hasPart"])) == len(RESULTS) + 3
    config = found["config.yaml"]
    assert config["contentSize"] == "22"
    # sha256sum of the 22 bytes "content of config.yaml"
    assert config["sha256"] == "f7af9e34d72b8cc8ed9a03fd38c57793b9db9184ab07e281fccabad6962ed0b6"
    media = {name: found[name]["encodingFormat"] for name in ("metrics/first.nc", "figures/parity.png")}
    assert media == {"metrics/first.nc": "application/x-netcdf", "figures/parity.png": "image/png"}
    assert found["project/Snakefile"]["encodingFormat"] == "text/plain"


def test_names_are_addresses(folder):
    found = entities(described(folder))
    assert found["metrics/dim~5%2Cseed%201.nc"]["name"] == "metrics/dim~5,seed 1.nc"


def test_times_are_those_of_the_results(folder):
    found = entities(described(folder))
    assert found["#run"]["startTime"] == "2026-01-01T09:30:00+00:00"
    assert found["#run"]["endTime"] == "2026-01-02T11:00:00+00:00"
    assert found["./"]["datePublished"] == "2026-01-02T11:00:00+00:00"
    assert found["metrics/first.nc"]["dateCreated"] == "2026-01-02T10:00:00+00:00"
    assert "dateCreated" not in found["figures/parity.png"]


def test_two_descriptions_of_one_run_are_the_same_and_name_no_folder(folder):
    text = json.dumps(described(folder))
    assert text == json.dumps(described(folder))
    assert str(folder) not in text


def test_the_run_goes_from_the_inputs_to_the_results_by_the_workflow(folder):
    found = entities(described(folder))
    run = found["#run"]
    assert run["instrument"] == {"@id": "project/Snakefile"}
    assert ids(run["object"]) == ["config.yaml"]
    assert len(ids(run["result"])) == len(RESULTS)
    assert found["./"]["mainEntity"] == run["instrument"]
    workflow = found["project/Snakefile"]
    assert ids(workflow["hasPart"]) == ["project/src/a.py"]
    assert found[workflow["programmingLanguage"]["@id"]]["version"] == "9.27.1"
    (parameter,) = ids(workflow["input"])
    assert found[parameter]["workExample"] == {"@id": "config.yaml"}
    assert found["config.yaml"]["exampleOfWork"] == {"@id": parameter}


def test_origins_are_all_those_that_the_results_record(folder):
    found = entities(described(folder))
    recorded = [
        (found[name]["name"], found[name]["value"]) for name in ids(found["#run"]["additionalProperty"])
    ]
    assert ("machine", "one machine") in recorded
    assert ("machine", "another machine") in recorded
    assert [value for name, value in recorded if name == "git_dirty"] == ["0", "1"]
    assert found["#torch-2.13.0"]["version"] == "2.13.0"


def test_authors_licence_and_paper_are_those_of_the_citation(folder):
    found = entities(described(folder))
    root = found["./"]
    assert [found[name]["@type"] for name in ids(root["author"])] == ["Organization"]
    assert root["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    paper = found[root["citation"]["@id"]]
    assert paper["name"] == "A paper"
    assert [found[name]["name"] for name in ids(paper["author"])] == ["Ada Lovelace"]


def test_a_result_that_is_not_there_is_an_error(folder):
    (folder / "claims.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"claims\.json"):
        described(folder)
