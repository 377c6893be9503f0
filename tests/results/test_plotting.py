"""Figures: what is drawn, and what is written into their files."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from gradient_failures.results import plotting

FORMATS = ["svg", "png", "pdf"]

PROVENANCE = {
    "title": "Figure 1",
    "source": "gradient-failures 0.1.0",
    "history": "2017-03-23 computed",
    "git_commit": "0123abcd",
    "config": "figure: parity & more\ndata: a < b\n",
}
TEXT = (
    "title: Figure 1\nsource: gradient-failures 0.1.0\ngit_commit: 0123abcd\n"
    "config: figure: parity & more\ndata: a < b"
)


def a_figure():
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0.5, 0.7, 1.0], label="a run")
    axes.legend()
    return figure


def saved(folder, attributes=PROVENANCE):
    """The files of one figure by format."""
    folder.mkdir()
    paths = {kind: folder / f"figure.{kind}" for kind in FORMATS}
    with plotting.style():
        plotting.save(a_figure(), map(str, paths.values()), attributes)
    return paths


def description(path):
    """The provenance text inside a figure file."""
    if path.suffix == ".svg":
        names = {"dc": "http://purl.org/dc/elements/1.1/"}
        return ElementTree.parse(path).find(".//dc:description", names).text.strip()
    if path.suffix == ".png":
        with Image.open(path) as image:
            return image.text["Description"].strip()
    (subject,) = re.findall(rb"/Subject \((.*)\)\n", path.read_bytes())
    return subject.decode().replace(r"\n", "\n").strip()


def curves(values):
    seeds, steps = values.shape
    coords = {"seed": range(seeds), "step": 100 * np.arange(steps)}
    return xr.DataArray(values, dims=("seed", "step"), coords=coords)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_saved_figure_carries_its_provenance_without_the_time(tmp_path, kind):
    assert description(saved(tmp_path / "once")[kind]) == TEXT


def test_the_same_figure_is_saved_as_the_same_bytes(tmp_path):
    once, again = saved(tmp_path / "once"), saved(tmp_path / "again", PROVENANCE | {"history": "later"})
    other = saved(tmp_path / "other", PROVENANCE | {"git_commit": "another"})
    for kind in FORMATS:
        assert once[kind].read_bytes() == again[kind].read_bytes()
        assert once[kind].read_bytes() != other[kind].read_bytes()
    assert b"CreationDate" not in once["pdf"].read_bytes()


def test_the_formats_are_what_their_names_say(tmp_path):
    paths = saved(tmp_path / "once")
    assert ElementTree.parse(paths["svg"]).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert paths["pdf"].read_bytes().startswith(b"%PDF-")
    with Image.open(paths["png"]) as image:
        assert image.size == (400, 400)


def test_text_beyond_ascii_survives(tmp_path):
    title = "Figure 1: 0.5 ± 0.02 (§2.1)"
    paths = saved(tmp_path / "once", PROVENANCE | {"title": title})
    assert description(paths["svg"]).startswith(f"title: {title}\n")
    assert description(paths["png"]).startswith(f"title: {title}\n")
    escaped = title.encode("utf-16-be").replace(b"(", rb"\(").replace(b")", rb"\)")
    assert escaped in paths["pdf"].read_bytes()


def test_another_format_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(KeyError):
        plotting.save(a_figure(), [str(tmp_path / "figure.gif")], PROVENANCE)
    assert list(tmp_path.iterdir()) == []


def test_the_style_is_gone_after_use():
    before = mpl.rcParams["font.size"]
    with plotting.style():
        assert mpl.rcParams["font.size"] != before
    assert mpl.rcParams["font.size"] == before


@pytest.mark.parametrize(
    ("units", "label"),
    [("1", "training steps"), ("s", "training steps (s)"), ("bit", "training steps (bit)")],
)
def test_an_axis_label_shows_units_where_there_are_some(units, label):
    variable = xr.DataArray(0, attrs={"long_name": "training steps", "units": units})
    assert plotting.axis_label(variable) == label


def test_runs_are_drawn_each_with_their_median():
    values = np.random.default_rng(0).random((5, 4))
    axes = Figure().subplots()
    plotting.draw_runs(axes, curves(values), plotting.BLUE, "median")
    *thin, median = axes.get_lines()
    np.testing.assert_array_equal([line.get_ydata() for line in thin], values)
    np.testing.assert_allclose(median.get_ydata(), np.sort(values, axis=0)[2])
    assert all(line.get_xdata().tolist() == [0, 100, 200, 300] for line in axes.get_lines())
    assert axes.get_legend_handles_labels()[1] == ["median"]
    (band,) = axes.collections
    corners = band.get_paths()[0].vertices
    for step, column in zip(range(0, 400, 100), np.sort(values, axis=0).T, strict=True):
        drawn = corners[corners[:, 0] == step, 1]
        assert (drawn.min(), drawn.max()) == pytest.approx((column[1], column[3]))
    assert to_rgba(median.get_color()) == to_rgba(plotting.BLUE)


def test_few_runs_are_drawn_each_under_one_label():
    values = np.random.default_rng(0).random((3, 4))
    axes = Figure().subplots()
    plotting.draw_each_run(axes, curves(values), plotting.BLUE, "run")
    np.testing.assert_array_equal([line.get_ydata() for line in axes.get_lines()], values)
    assert axes.get_legend_handles_labels()[1] == ["run"]


@pytest.mark.parametrize(("step", "label"), [(0, "0"), (500, "0.5k"), (10_000, "10k"), (12_500, "12.5k")])
def test_steps_are_labelled_in_thousands(step, label):
    axes = Figure().subplots()
    plotting.thousands(axes)
    assert axes.xaxis.get_major_formatter()(step, 0) == label
