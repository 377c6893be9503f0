"""YAML files: what cannot be read is named, and nothing in them is run."""

import pytest
import yaml

from gradient_failures.config.errors import ConfigError
from gradient_failures.config.yaml import read_yaml


def refusal(path):
    with pytest.raises(ConfigError) as caught:
        read_yaml(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "cause"),
    [("a: [", "is not YAML (while parsing"), ("", "is empty"), ("# nothing\n", "is empty")],
)
def test_a_file_without_content_is_named(tmp_path, text, cause):
    path = tmp_path / "facts.yaml"
    path.write_text(text)
    assert refusal(path).startswith(f"{path}: {cause}")


def test_a_file_that_is_not_text_is_named(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_bytes(b"a: \x80")
    assert refusal(path).startswith(f"{path}: is not YAML")


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path):
    assert (
        refusal(tmp_path / "none.yaml") == f"{tmp_path}/none.yaml: cannot be read (No such file or directory)"
    )
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read (Is a directory)"


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path):
    mark, path = tmp_path / "attacked", tmp_path / "facts.yaml"
    path.write_text(f"a: !!python/object/apply:os.system ['touch {mark}']")
    assert "is not YAML (could not determine a constructor for the tag" in refusal(path)
    assert not mark.exists()
    yaml.unsafe_load(path.read_text())
    assert mark.exists(), "the attack is one"
