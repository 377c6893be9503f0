"""Grids: their points, the settings at each, what a run is called, and how seeds are shared out."""

import re
from itertools import permutations, product
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from gradient_failures.config.base import Settings, Strict, as_coordinate, flat, long_name
from gradient_failures.config.errors import ConfigError
from gradient_failures.config.grids import Computation, ComputationConfig, merged, nested
from gradient_failures.config.optimisers import OptimiserConfig
from gradient_failures.config.problem import problems


class Toy(Settings):
    """Settings of a toy."""

    size: Annotated[int, Field(ge=1, title="size n")]
    """Size."""
    approach: Literal["plain", "fancy"] = "plain"
    """How it is done. More of it."""
    steps: int = 10
    """Steps; many."""
    widths: list[int] = Field(default_factory=list)
    """Widths."""
    optimiser: OptimiserConfig
    """What takes the steps."""


SGD = {"kind": "sgd", "learning_rate": 0.1}


def computation(settings=None, **config):
    settings = {"optimiser": SGD, **(settings or {})}
    return Computation(
        "toy", "experiment", Toy, ComputationConfig.model_validate({"settings": settings, **config})
    )


def names(**config):
    return [point.name for point in computation(**config).points["grid"]]


@pytest.mark.parametrize("order", list(permutations(["size", "approach", "steps"])))
def test_points_are_the_grid_in_the_order_of_the_settings_with_the_last_axis_fastest(order):
    axes = {"size": [3, 1], "approach": ["fancy", "plain"], "steps": [5, 6]}
    built = computation(grids={"grid": {axis: axes[axis] for axis in order}})
    assert list(built.axes("grid")) == list(axes)
    points = built.points["grid"]
    assert [tuple(point.axes.values()) for point in points] == list(product(*axes.values()))
    assert [(p.settings.size, p.settings.approach, p.settings.steps) for p in points] == list(
        product(*axes.values())
    )


def test_later_layers_win():
    config = {
        "settings": {"size": 1, "steps": 1},
        "settings_by": {"approach": {"fancy": {"steps": 2, "size": 2}}},
        "grids": {
            "base": {"approach": ["plain"]},
            "by": {"approach": ["fancy"]},
            "own": {"approach": ["fancy"], "settings": {"steps": 3}},
            "axis": {"approach": ["fancy"], "steps": [4], "settings": {"steps": 3}},
        },
    }
    points = computation(**config).points
    assert {name: (p.settings.steps, p.settings.size) for name, (p,) in points.items()} == {
        "base": (1, 1),
        "by": (2, 2),
        "own": (3, 2),
        "axis": (4, 2),
    }


def test_an_optimiser_of_another_kind_replaces_the_one_before_and_others_are_merged():
    adam = {"kind": "adam", "learning_rate": 1, "beta1": 0.9}
    assert merged({"o": adam}, {"o": {"learning_rate": 2}})["o"] == {**adam, "learning_rate": 2}
    assert merged({"o": adam}, {"o": {"kind": "sgd", "learning_rate": 3}})["o"] == {
        "kind": "sgd",
        "learning_rate": 3,
    }


def test_any_setting_may_be_an_axis_also_one_in_a_mapping_or_a_list():
    grid = {"size": [1], "optimiser.learning_rate": [0.1, 0.5], "widths": [[], [3, 4]]}
    points = computation(grids={"grid": grid}).points["grid"]
    assert [(p.settings.widths, p.settings.optimiser.learning_rate) for p in points] == list(
        product([[], [3, 4]], [0.1, 0.5])
    )
    assert [p.name for p in points] == [
        "size~1",
        "size~1+optimiser.learning_rate~0.5",
        "size~1+widths~3-4",
        "size~1+widths~3-4+optimiser.learning_rate~0.5",
    ]


def test_a_run_has_one_name_in_every_grid_that_has_it_whatever_the_order_of_axes():
    config = {
        "settings": {"steps": 7},
        "settings_by": {"approach": {"fancy": {"steps": 8}}},
        "grids": {
            "a": {"size": [2], "approach": ["fancy"]},
            "b": {"approach": ["fancy"], "size": [2], "steps": [8, 9]},
            "c": {"size": [2], "settings": {"approach": "fancy", "steps": 8}},
        },
    }
    built = computation(**config)
    assert [point.name for point in built.points["b"]] == [
        "size~2+approach~fancy",
        "size~2+approach~fancy+steps~9",
    ]
    assert len({run.path for grid in "abc" for run in built.runs(grid)}) == 2
    assert built.points["a"][0].settings == built.points["b"][0].settings == built.points["c"][0].settings


def test_a_grid_of_nothing_but_the_settings_is_one_point_without_seeds():
    (run,) = computation(settings={"size": 1}, grids={"grid": {}}).runs("grid")
    assert (run.path, run.seeds) == ("default/seeds~none", ())


@given(
    size=st.integers(1, 10**9), rate=st.floats(1e-12, 1e12), widths=st.lists(st.integers(1, 99), max_size=5)
)
def test_names_are_names_of_files_and_tell_points_apart(size, rate, widths):
    grid = {
        "size": [size, size + 1],
        "optimiser.learning_rate": [rate, rate * 2],
        "widths": [widths, [*widths, 1]],
    }
    found = names(grids={"grid": grid})
    assert len(set(found)) == 8
    assert all(re.fullmatch(r"[A-Za-z0-9_~+.-]+", name) for name in found)


@given(seeds=st.integers(1, 200), per_job=st.integers(1, 250))
def test_seed_blocks_share_out_every_seed_once(seeds, per_job):
    blocks = [
        run.seeds
        for run in computation(
            settings={"size": 1}, grids={"grid": {"seeds": seeds}}, seeds_per_job=per_job
        ).runs("grid")
    ]
    assert [seed for block in blocks for seed in block] == list(range(seeds))
    assert all(len(block) == per_job for block in blocks[:-1])


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"size": 5}, "size should be a list of one value or more, not 5"),
        ({"size": []}, "size should be a list of one value or more, not []"),
        ({"size": [1, 1]}, "size lists 1 more than once"),
        ({"size": [None]}, "size should list numbers, words, or lists of them"),
        ({"optimiser": [{"kind": "sgd"}]}, "optimiser should list numbers, words, or lists of them"),
        ({"seed": [1]}, "seed cannot be an axis"),
        ({"method": ["a"]}, "method cannot be an axis"),
    ],
)
def test_what_is_no_axis_is_refused(grid, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        computation(settings={"size": 1}, grids={"grid": grid})


def test_all_mistakes_of_all_grids_are_told_at_once():
    grids = {"a": {"size": [0]}, "b": {"size": [1], "setps": [1]}}
    with pytest.raises(ConfigError) as caught:
        _ = computation(grids=grids).points
    first, second = str(caught.value).splitlines()
    assert first.startswith("toy.experiment.grids.a.size: 0 is not allowed")
    assert second.startswith("toy.experiment.grids.b.setps: unknown key; did you mean 'steps'?")


def test_dotted_names_and_mappings_are_two_ways_to_write_one_thing():
    items = {"a.b": 1, "a.c.d": 2, "e": [3]}
    assert flat(nested(items)) == items


def test_a_long_name_is_the_title_or_the_first_sentence():
    settings = Toy.model_validate({"size": 1, "optimiser": SGD})
    assert {
        name: long_name(settings, name) for name in ["size", "approach", "steps", "optimiser.learning_rate"]
    } == {
        "size": "size n",
        "approach": "how it is done",
        "steps": "steps",
        "optimiser.learning_rate": "step size",
    }


@pytest.mark.parametrize(("value", "label"), [([1, 2], "1-2"), ([], ""), ("a", "a"), (3, 3), (1e-5, 1e-5)])
def test_lists_are_coordinates_as_text(value, label):
    assert as_coordinate(value) == label


def all_settings():
    return [settings for problem in problems().values() for settings in problem.computations.values()]


@pytest.mark.parametrize("model", all_settings(), ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_no_setting_has_a_name_that_cannot_be_an_axis_or_be_overridden(model):
    """Snakemake's --config refuses keys of one letter; the others are words of grids and of xarray."""
    assert issubclass(model, Strict)
    for name in model.model_fields:
        assert len(name) > 1
        assert name not in {"seed", "seeds", "settings", "step", "method", "drop", "tolerance"}
