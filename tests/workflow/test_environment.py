"""pyproject.toml, the lock files, environment.yml and the generated schema say the same."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from conftest import ROOT
from gradient_failures.commands.schema import schema

CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def lock(name):
    lines = (ROOT / name).read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    return {package.lower().replace("_", "-"): version for package, version in pins.items()}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def environment():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    plain = [
        line for line in dependencies if isinstance(line, str) and not line.startswith(("python>", "pip"))
    ]
    pip = [line for entry in dependencies if isinstance(entry, dict) for line in entry["pip"]]
    pins = [re.split("==?", line) for line in [*plain, *pip]]
    return {CONDA_NAMES.get(name, name): version for name, version in pins}


@pytest.mark.parametrize("requirement", [Requirement(line) for line in project()["dependencies"]], ids=str)
def test_lock_satisfies_every_dependency(requirement):
    assert lock("requirements.lock")[requirement.name] in requirement.specifier


@pytest.mark.parametrize(
    ("extra", "requirement"),
    [
        (extra, Requirement(line))
        for extra, lines in project()["optional-dependencies"].items()
        for line in lines
    ],
    ids=str,
)
def test_lock_of_an_extra_satisfies_every_dependency(extra, requirement):
    pins = lock("requirements.lock") | lock(f"requirements-{extra}.lock")
    assert pins[requirement.name] in requirement.specifier


def test_locks_do_not_overlap():
    names = [name for part in ("", "-cluster", "-dev") for name in lock(f"requirements{part}.lock")]
    assert len(names) == len(set(names))


def test_conda_environment_has_the_dependencies_at_the_locked_versions():
    names = {Requirement(line).name for line in project()["dependencies"]}
    pins = lock("requirements.lock")
    # wheels may add a fourth number or a post-release to the version that conda has
    assert environment() == {name: ".".join(pins[name].split(".")[:3]) for name in names}


def test_conda_python_is_the_one_the_project_asks_for():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert f"python{project()['requires-python']}" in dependencies


def test_torch_is_pinned():
    assert lock("requirements.lock")["torch"] == "2.13.0"


def test_schema_file_is_up_to_date():
    assert (ROOT / "config/schema.yaml").read_text() == schema(), "run: make schema"
