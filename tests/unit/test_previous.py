"""Results that a run is to replace are kept until they are there again."""

from gradient_failures import previous


def test_a_result_that_is_lost_is_kept_and_one_that_is_there_again_is_not(tmp_path):
    results = tmp_path / "results"
    lost, replaced, never = (results / name for name in ("runs/a/1.nc", "runs/b/1.nc", "runs/c/1.nc"))
    for path in (lost, replaced):
        path.parent.mkdir(parents=True)
        path.write_text(f"old {path.parent.name}")
    previous.keep(map(str, (lost, replaced, never)), results)
    lost.unlink()
    replaced.write_text("new b")

    (kept,) = previous.drop(results)
    assert kept == results / previous.FOLDER / "runs/a/1.nc"
    assert kept.read_text() == "old a"

    previous.keep([str(lost), str(replaced)], results)
    assert kept.read_text() == "old a", "what is lost does not replace what is kept"
    lost.write_text("new a")
    assert previous.drop(results) == []
    assert not (results / previous.FOLDER).exists()


def test_folders_are_not_kept(tmp_path):
    (tmp_path / "project").mkdir()
    previous.keep([str(tmp_path / "project")], tmp_path)
    assert previous.drop(tmp_path) == []


def test_without_results_there_is_nothing_to_drop(tmp_path):
    assert previous.drop(tmp_path / "results") == []
