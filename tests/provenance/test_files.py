"""Files that are either complete or not there."""

import pytest

from conftest import largest_file
from gradient_failures.provenance.files import atomic, require_writable, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_success_puts_the_new_content_in_place(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["result.txt"]


def test_an_exception_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(path) as temporary:
        temporary.write_text("half of the n")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["result.txt"]


def test_an_exception_leaves_no_file_where_there_was_none(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic(tmp_path / "result.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_the_temporary_file_lies_in_the_same_folder_with_the_same_suffix(tmp_path):
    with atomic(tmp_path / "figure.svg") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".svg"
        assert temporary.name != "figure.svg"


def test_missing_folders_are_made_and_the_file_is_readable_by_all(tmp_path):
    path = tmp_path / "a" / "b" / "result.txt"
    with atomic(path) as temporary:
        temporary.write_text("x")
    assert path.stat().st_mode & 0o777 == 0o644


def test_two_writers_of_one_file_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "result.txt"
    with atomic(path) as first, atomic(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"


def test_text_is_written_as_utf_8_in_place_of_the_old(tmp_path):
    path = tmp_path / "claims.json"
    write_text(path, "a longer text than the next one")
    write_text(path, "§2.1: 0.5 ± 0.02")
    assert path.read_bytes() == "§2.1: 0.5 ± 0.02".encode()
    assert names(tmp_path) == ["claims.json"]


@pytest.mark.parametrize("step", ["text", "folder"])
def test_an_error_of_the_system_names_the_file(tmp_path, step):
    path = tmp_path / "results/claims.json"
    if step == "folder":
        (tmp_path / "results").write_text("no folder")
    with largest_file(1000), pytest.raises(OSError, match="results"):
        write_text(path, "x" * 2000)
    assert not path.exists()


def test_a_folder_is_made_and_left_empty_if_it_can_be_written_to(tmp_path):
    require_writable(tmp_path / "a/b")
    assert names(tmp_path / "a/b") == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "results").write_text("no folder")
    with pytest.raises(OSError, match=f"File exists: '{tmp_path}/results'"):
        require_writable(tmp_path / "results")
