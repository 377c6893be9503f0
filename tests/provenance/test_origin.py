"""Where an artefact comes from."""

import re
import tomllib

import pytest
import xarray as xr
import yaml

from conftest import ROOT
from gradient_failures.provenance import origin
from gradient_failures.provenance.code import code_hash
from gradient_failures.results import dataset


def sources(folder, **contents):
    for name, text in contents.items():
        (folder / name).write_text(text)
    return [str(folder / name) for name in contents]


def test_the_hash_ignores_the_order_of_the_files(tmp_path):
    paths = sources(tmp_path, a="1", b="2")
    assert origin.file_hash(paths) == origin.file_hash(paths[::-1])
    assert re.fullmatch(r"[0-9a-f]{64}", origin.file_hash(paths))


@pytest.mark.parametrize("changed", [{"a": "1x"}, {"b": ""}, {"a": "2", "b": "1"}, {"a": "12", "b": ""}])
def test_the_hash_changes_with_any_content(tmp_path, changed):
    before = origin.file_hash(sources(tmp_path, a="1", b="2"))
    sources(tmp_path, **changed)
    assert origin.file_hash([str(tmp_path / "a"), str(tmp_path / "b")]) != before


def test_the_hash_changes_with_a_name_or_a_file_more(tmp_path):
    first, second, third = sources(tmp_path, a="1", b="1", c="")
    assert len({origin.file_hash(paths) for paths in ([first], [second], [first, third])}) == 3


def test_the_hash_tells_a_file_from_the_name_of_another(tmp_path):
    two = sources(tmp_path, a="", b="")
    hash_of_two = origin.file_hash(two)
    sources(tmp_path, a=two[1])
    assert origin.file_hash(two[:1]) != hash_of_two


def test_the_attributes_carry_the_configuration_and_fit_into_netcdf(tmp_path):
    (lock,) = sources(tmp_path, lock="numpy==2.0")
    config = {"training": {"steps": 5, "learning_rate": 0.01}, "dims": [5, 10]}
    attributes = origin.attributes(title="a run", code="abc", lock=lock, config=config)
    assert yaml.safe_load(attributes["config"]) == config
    assert attributes["code_hash"] == "abc"
    assert attributes["lock_hash"] == origin.file_hash([lock])
    assert attributes["title"] == "a run"
    assert all(isinstance(value, str | int) and value != "" for value in attributes.values())
    result = xr.Dataset({"loss": ((), 1.0, {"long_name": "loss", "units": "1"})})
    dataset.write(result, tmp_path / "run.nc", attributes)
    written = dataset.read(tmp_path / "run.nc").attrs
    assert {key: written[key] for key in attributes} == attributes


def test_code_that_changes_while_a_job_runs_is_noticed():
    modules = ["results.statistics"]
    origin.require_unchanged(modules, code_hash(modules))
    with pytest.raises(RuntimeError, match="the source files changed while this job ran"):
        origin.require_unchanged(modules, "of another time")


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert origin.version() == project["version"]
