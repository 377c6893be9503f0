"""The layout of the picture of the data flow."""

from gradient_failures.report.dataflow import layout

COMPUTATIONS = {"b.experiment": ["b", "b_more"], "a.experiment": ["a"], "a.bound": ["c"]}
FIGURES = {"first": ["a"], "second": ["b", "a"], "third": []}


def test_figures_keep_their_order_and_the_rest_follows_their_use():
    flow = layout(COMPUTATIONS, FIGURES)
    assert list(flow.figures) == ["first", "second", "third"]
    assert list(flow.data) == ["a", "b", "b_more", "c"]
    assert list(flow.computations) == ["a.experiment", "b.experiment", "a.bound"]


def test_every_column_fills_the_height_evenly():
    flow = layout(COMPUTATIONS, FIGURES)
    assert list(flow.data.values()) == [1 / 8, 3 / 8, 5 / 8, 7 / 8]
    assert list(flow.figures.values()) == [1 / 6, 3 / 6, 5 / 6]


def test_arrows_connect_what_depends_on_each_other():
    flow = layout(COMPUTATIONS, FIGURES)
    made = {
        (flow.computations[one], flow.data[name]) for one, names in COMPUTATIONS.items() for name in names
    }
    drawn = {(flow.data[name], flow.figures[f]) for f, names in FIGURES.items() for name in names}
    assert set(flow.made) == made
    assert len(flow.made) == len(made)
    assert set(flow.drawn) == drawn
    assert len(flow.drawn) == len(drawn)
