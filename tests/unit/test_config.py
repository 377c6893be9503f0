"""The configuration: what is valid, what a grid is, and what is said about a mistake."""

import copy
import re
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures.config.base import Sweep, seed_blocks
from gradient_failures.config.claims import Claims
from gradient_failures.config.errors import ConfigError
from gradient_failures.config.paper import PaperConfig, validated
from gradient_failures.config.parity import ParityPoint, ParitySweep, ParityTraining
from gradient_failures.config.schema import schema

CONFIG = Path(__file__).parents[2] / "config"

TRAINING = {"steps": 50, "eval_every": 10, "eval_samples": 100, "batch_size": 128, "learning_rate": 0.5}

ARCHITECTURES = st.lists(st.integers(1, 99), min_size=1, max_size=4).map(
    lambda factors: "-".join(f"{factor}d" for factor in factors)
)


@st.composite
def parity_points(draw):
    dim = draw(st.integers(1, 10_000))
    return ParityPoint(
        dim=dim,
        fixed_subset_size=draw(st.none() | st.integers(0, dim)),
        architecture=draw(ARCHITECTURES),
        input_encoding=draw(st.sampled_from(["signs", "bits"])),
    )


def document(name):
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


def overlaid(base, overlay):
    """``base`` with the keys of ``overlay``, as Snakemake merges --configfile; lists are replaced."""
    if not (isinstance(base, Mapping) and isinstance(overlay, Mapping)):
        return overlay
    return {**base, **{key: overlaid(base.get(key), value) for key, value in overlay.items()}}


def with_value(key, value):
    """config.yaml with ``value`` at the dotted ``key``."""
    changed = copy.deepcopy(document("config.yaml"))
    *parents, last = key.split(".")
    node = changed
    for part in parents:
        node = node[part]
    node[last] = value
    return changed


def refusal(config):
    with pytest.raises(ConfigError) as caught:
        validated(config)
    return str(caught.value)


def all_sweeps(model=Sweep):
    return [found for sub in model.__subclasses__() for found in [sub, *all_sweeps(sub)]]


def test_the_full_configuration_is_valid():
    assert set(validated(document("config.yaml")).experiments()) == {
        "parity",
        "tuples",
        "allocation",
        "curves",
        "steps",
    }


def test_the_smoke_overlay_is_valid_and_smaller():
    full, smoke = document("config.yaml"), document("smoke.yaml")
    config = validated(overlaid(full, smoke))
    assert config.parity.training.steps == smoke["parity"]["training"]["steps"]
    assert config.parity.training.batch_size == full["parity"]["training"]["batch_size"]
    assert config.parity.sweeps["parity"].dim == smoke["parity"]["sweeps"]["parity"]["dim"]
    assert set(config.parity.sweeps) == set(validated(full).parity.sweeps)


@pytest.mark.parametrize("name", ["config.yaml", "smoke.yaml"])
def test_no_mapping_or_list_stands_in_two_places(name):
    """Snakemake overrides in place, so that an override of a shared one would change all its places."""
    seen = []

    def visit(node):
        if isinstance(node, dict | list):
            assert not any(node is other for other in seen), node
            seen.append(node)
            for child in node.values() if isinstance(node, dict) else node:
                visit(child)

    visit(document(name))


def test_the_schema_file_is_generated_from_the_models():
    assert (CONFIG / "schema.yaml").read_text(encoding="utf-8") == schema()


def test_the_schema_accepts_the_full_configuration():
    jsonschema.validate(document("config.yaml"), document("schema.yaml"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("parity.training.learning_rate", 0),
        ("parity.training.steps", 0),
        ("parity.training.lerning_rate", 0.1),
        ("parity.sweeps.parity.dim", []),
        ("parity.sweeps.parity.dim", [0]),
        ("parity.sweeps.parity_architecture.architecture", ["10"]),
        ("steps.training.multiclass.batch_size", 0),
        ("steps.training.two_class", {}),
        ("realisability.exhaustive_dim", [15]),
        ("pathvars.results", "../elsewhere"),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(key, value):
    refusal(with_value(key, value))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(with_value(key, value), document("schema.yaml"))


@pytest.mark.parametrize("model", [PaperConfig, Claims])
def test_every_key_and_every_model_is_described(model):
    document = model.model_json_schema()
    for name, part in {model.__name__: document, **document["$defs"]}.items():
        assert part.get("description"), name
        for key, field in part["properties"].items():
            assert field.get("description"), f"{name}.{key}"


@pytest.mark.parametrize("value", ["1e-3", "0.001", 1e-3, 1])
def test_a_float_may_be_written_in_every_way_that_yaml_knows(value):
    config = validated(with_value("parity.training.learning_rate", value))
    assert config.parity.training.learning_rate == float(value)


def test_numbers_inside_strings_are_numbers_as_snakemake_hands_them_over():
    config = with_value("parity.training", {key: str(value) for key, value in TRAINING.items()})
    config["parity"]["sweeps"]["parity"] = {"dim": ["5", "10"], "seeds": "24"}
    as_numbers = with_value("parity.training", TRAINING)
    as_numbers["parity"]["sweeps"]["parity"] = {"dim": [5, 10], "seeds": 24}
    assert validated(config) == validated(as_numbers)


@pytest.mark.parametrize("changed", [{"steps": "50"}, {"steps": 50.0}, {"steps": True}, {"steps": None}])
def test_the_models_themselves_convert_nothing_to_an_integer(changed):
    ParityTraining(**TRAINING)
    with pytest.raises(ValueError, match="valid integer"):
        ParityTraining(**{**TRAINING, **changed})


@pytest.mark.parametrize("value", ["[5", "{", "@signs", "%", "a: b: c", "'", "- -"])
def test_a_string_that_is_no_yaml_is_refused_like_any_other(value):
    message = refusal(with_value("parity.sweeps.parity_encoding.input_encoding", [value]))
    key = "parity.sweeps.parity_encoding.input_encoding.0"
    assert message == f"{key}: {value!r} is not allowed: input should be 'signs' or 'bits'"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("parity.training.steps", "many", "integer"),
        ("parity.training.steps", 5.0, "integer"),
        ("parity.training.steps", True, "integer"),
        ("parity.training.steps", 0, "greater than 0"),
        ("parity.training.batch_size", -1, "greater than 0"),
        ("parity.training.eval_samples", None, "integer"),
        ("parity.training.learning_rate", 0.0, "greater than 0"),
        ("parity.training.learning_rate", -0.01, "greater than 0"),
        ("parity.training.learning_rate", "fast", "number"),
        ("parity.training.learning_rate", float("inf"), "finite"),
        ("parity.training.learning_rate", float("nan"), ""),
        ("parity.training.learning_rate", True, "number"),
        ("parity.seeds_per_job", 0, "greater than 0"),
        ("parity.sweeps.parity.seeds", 0, "greater than 0"),
        ("parity.sweeps.parity.dim", 5, "list"),
        ("parity.sweeps.parity.dim", [], "at least 1 item"),
        ("parity.sweeps.parity.dim", [5, 10, 5], "lists 5 more than once"),
        ("parity.sweeps.parity_subset_size.fixed_subset_size", [], "at least 1 item"),
        ("parity.sweeps.parity_architecture.architecture", ["10d", "10d"], "lists 10d more than once"),
        ("realisability.sampled_targets", 0, "greater than 0"),
        ("realisability.exhaustive_dim", [3, 3], "lists 3 more than once"),
        ("parity", None, "dictionary"),
        ("parity.training", 3, "dictionary"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(key, value, allowed):
    message = refusal(with_value(key, value))
    assert message.startswith(f"{key}: {value!r} is not allowed: ")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("axis", "value", "allowed"),
    [
        ("parity.sweeps.parity.dim", 0, "greater than or equal to 1"),
        ("parity.sweeps.parity.dim", 10_001, "less than or equal to 10000"),
        ("parity.sweeps.parity.dim", "x", "integer"),
        ("parity.sweeps.parity.dim", 5.0, "integer"),
        ("parity.sweeps.parity_subset_size.fixed_subset_size", -1, "greater than or equal to 0"),
        ("parity.sweeps.parity_architecture.architecture", "10x", "pattern"),
        ("parity.sweeps.parity_architecture.architecture", "0d", "pattern"),
        ("parity.sweeps.parity_architecture.architecture", "10d-", "pattern"),
        ("parity.sweeps.parity_architecture.architecture", "10d,5d", "pattern"),
        ("parity.sweeps.parity_architecture.architecture", "10d-d", "pattern"),
        ("parity.sweeps.parity_architecture.architecture", 10, "string"),
        ("parity.sweeps.parity_encoding.input_encoding", "bit", "'signs' or 'bits'"),
        ("steps.sweeps.steps.method", "two_class", "'multiclass' or 'forward_only'"),
        ("steps.training.multiclass.hidden_widths", 0, "greater than 0"),
        ("realisability.exhaustive_dim", 15, "less than or equal to 14"),
        ("realisability.sampled_dim", 0, "greater than or equal to 1"),
    ],
)
def test_a_bad_value_on_an_axis_is_named_with_its_place(axis, value, allowed):
    message = refusal(with_value(axis, [value]))
    assert message.startswith(f"{axis}.0: {value!r} is not allowed: ")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("parrity", "parity"),
        ("realizability", "realisability"),
        ("parity.trainings", "training"),
        ("parity.seed_per_job", "seeds_per_job"),
        ("parity.training.lerning_rate", "learning_rate"),
        ("parity.training.step", "steps"),
        ("realisability.sampled_input", "sampled_inputs"),
        ("parity.sweeps.parity.dims", "dim"),
        ("steps.training.multiclass.step", "steps"),
        ("steps.training.multiclass.optimiser.beta3", "beta2"),
        ("parity.sweeps.parity.archtecture", "architecture"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(key, nearest):
    message = refusal(with_value(key, 3))
    assert message.startswith(f"{key}: unknown key; did you mean '{nearest}'? Valid keys here: ")
    assert nearest in message.split("Valid keys here: ")[1].split(", ")
    assert "\n" not in message


def test_an_unknown_key_like_no_other_is_answered_with_the_valid_ones():
    message = refusal(with_value("parity.training.xyz", 3))
    assert "did you mean" not in message
    assert message.endswith("Valid keys here: batch_size, eval_every, eval_samples, learning_rate, steps")


@pytest.mark.parametrize(
    "key", ["parity", "parity.training.steps", "parity.sweeps.parity.dim", "parity.sweeps"]
)
def test_a_missing_key_is_named(key):
    config = document("config.yaml")
    *parents, last = key.split(".")
    node = config
    for part in parents:
        node = node[part]
    del node[last]
    assert refusal(config).startswith(f"{key}: this key is missing")


@pytest.mark.parametrize("sizes", [[31], [1, 30, 31]])
def test_a_subset_larger_than_the_dimension_is_refused(sizes):
    message = refusal(with_value("parity.sweeps.parity_subset_size.fixed_subset_size", sizes))
    assert message == (
        "parity.sweeps.parity_subset_size: fixed_subset_size 31 is larger than dim 30; allowed: 0 to 30"
    )


@pytest.mark.parametrize("sizes", [[0], [30], [0, 30]])
def test_subsets_from_empty_to_full_are_allowed(sizes):
    validated(with_value("parity.sweeps.parity_subset_size.fixed_subset_size", sizes))


def test_evaluating_less_often_than_once_is_refused():
    message = refusal(with_value("parity.training.eval_every", 50_001))
    assert message == "parity.training: eval_every 50001 is larger than steps 50000; allowed: 1 to 50000"
    validated(with_value("parity.training.eval_every", 50_000))


@pytest.mark.parametrize("name", ["../x", "a/b", "Parity", "1st", "", "a b", "a.b", "_a", "parity\n", "é"])
def test_a_sweep_name_that_is_no_file_name_is_refused(name):
    config = document("config.yaml")
    config["parity"]["sweeps"][name] = {"dim": [5], "seeds": 1}
    message = refusal(config)
    assert message.startswith("parity.sweeps.")
    assert f"{name!r} is not allowed: string should match pattern" in message


def test_a_sweep_called_like_a_diagnostic_is_refused():
    message = refusal(with_value("parity.sweeps.realisability", {"dim": [5], "seeds": 1}))
    assert "called realisability" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "folder",
    [
        "/tmp/x",
        "..",
        "../x",
        "a/../../x",
        "~/x",
        "",
        "a/",
        "a//b",
        "a b",
        "{dim}",
        "<logs>",
        "$HOME",
        "a\n",
        "config",
        "src/x",
        ".git",
    ],
)
@pytest.mark.parametrize("name", ["results", "logs", "benchmarks"])
def test_a_folder_outside_the_project_or_with_signs_of_its_own_is_refused(name, folder):
    message = refusal(with_value(f"pathvars.{name}", folder))
    assert message.startswith(
        f"pathvars.{name}: {folder!r} is not allowed: it should be a folder of its own inside the project"
    )
    assert "make a link to it" in message


@pytest.mark.parametrize(
    "folder", ["results", "results/mine", "a.b/c_d-1+x", "ergebnisse/größe", "source", "a...", "a..b"]
)
def test_any_folder_inside_the_project_is_allowed(folder):
    folders = {"results": folder, "logs": f"{folder}/logs", "benchmarks": f"{folder}/benchmarks"}
    if folder == "results":
        folders = {name: name for name in folders}
    assert validated(with_value("pathvars", folders)).pathvars.results == folder


@pytest.mark.parametrize("moved", [["results"], ["logs"], ["results", "benchmarks"]])
def test_a_run_in_a_folder_of_its_own_keeps_its_logs_and_costs_to_itself(moved):
    names = ["results", "logs", "benchmarks"]
    stay = " and ".join(name for name in names if name not in moved)
    folders = {name: f"mine/{name}" if name in moved else name for name in names}
    message = refusal(with_value("pathvars", folders))
    assert message.startswith(f"pathvars: {stay} would be shared with the run in the usual folders")


def test_a_sweep_that_figures_read_has_its_axes():
    message = refusal(with_value("parity.sweeps.parity.input_encoding", ["signs"]))
    assert message.startswith("parity: sweeps.parity must have the axes dim for its figures and claims")


def test_several_mistakes_take_one_line_each():
    config = with_value("parity.training.steps", 0)
    config["parity"]["sweeps"]["parity"]["dim"] = [5, "x", 0]
    config["realisability"]["smapled_dim"] = 3
    lines = refusal(config).splitlines()
    assert sorted(line.split(": ")[0] for line in lines) == [
        "parity.sweeps.parity.dim.1",
        "parity.sweeps.parity.dim.2",
        "parity.training.steps",
        "realisability.smapled_dim",
    ]


@given(parity_points())
def test_a_point_comes_back_from_its_file_name(point):
    assert ParityPoint.from_slug(point.slug()) == point
    assert re.fullmatch(r"[a-z0-9_~+-]+", point.slug())


def test_axes_at_their_default_are_left_out_of_the_file_name():
    explicit = ParityPoint(dim=30, fixed_subset_size=None, architecture="10d", input_encoding="signs")
    assert explicit.slug() == ParityPoint(dim=30).slug() == "dim~30"
    full = ParityPoint(dim=30, fixed_subset_size=0, architecture="40d", input_encoding="bits")
    assert full.slug() == "dim~30+fixed_subset_size~0+architecture~40d+input_encoding~bits"


@pytest.mark.parametrize(
    "slug", ["dim~0", "dim~5+fixed_subset_size~6", "dim~5+colour~red", "architecture~2d"]
)
def test_a_file_name_of_no_point_is_refused(slug):
    with pytest.raises(ValueError, match=r"dim|colour"):
        ParityPoint.from_slug(slug)


@given(dim=st.integers(1, 100), factors=st.lists(st.integers(1, 99), min_size=1, max_size=4))
def test_hidden_widths_are_the_factors_times_the_dimension(dim, factors):
    point = ParityPoint(dim=dim, architecture="-".join(f"{factor}d" for factor in factors))
    assert point.hidden_widths() == [factor * dim for factor in factors]


@pytest.mark.parametrize("sweep", all_sweeps())
def test_a_sweep_has_exactly_the_axes_of_its_points(sweep):
    assert [name for name in sweep.model_fields if name != "seeds"] == list(sweep.point.model_fields)


def test_there_are_sweeps_to_look_at():
    assert ParitySweep in all_sweeps()


def test_the_points_of_a_sweep_are_its_grid_with_the_last_axis_fastest():
    dims, sizes, encodings = [10, 5], [3, 0], ["bits", "signs"]
    sweep = ParitySweep(dim=dims, fixed_subset_size=sizes, input_encoding=encodings, seeds=2)
    assert sweep.axes() == {"dim": dims, "fixed_subset_size": sizes, "input_encoding": encodings}
    assert sweep.points() == [
        ParityPoint(dim=dim, fixed_subset_size=size, input_encoding=encoding)
        for dim, size, encoding in product(dims, sizes, encodings)
    ]


@given(seeds=st.integers(1, 200), per_job=st.integers(1, 250))
def test_seed_blocks_share_out_every_seed_once(seeds, per_job):
    blocks = list(seed_blocks(seeds, per_job))
    assert [seed for block in blocks for seed in block] == list(range(seeds))
    assert all(len(block) == per_job for block in blocks[:-1])
    assert 1 <= len(blocks[-1]) <= per_job
