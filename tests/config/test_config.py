"""The configuration: what is valid, and what is said about a mistake."""

import copy
from collections.abc import Mapping
from functools import cache

import jsonschema
import pytest

from conftest import ROOT
from gradient_failures.commands.schema import schema
from gradient_failures.config.errors import ConfigError
from gradient_failures.config.paper import validated
from gradient_failures.config.yaml import parse_yaml
from gradient_failures.problems.parity.settings import ParitySettings

CONFIG = ROOT / "config"
PARITY = "parity.experiment"


@cache
def content(name):
    return parse_yaml((CONFIG / name).read_bytes())


def document(name):
    return copy.deepcopy(content(name))


def overlaid(base, overlay):
    """``base`` with the keys of ``overlay``, as Snakemake merges --configfile; lists are replaced."""
    if not (isinstance(base, Mapping) and isinstance(overlay, Mapping)):
        return overlay
    return {**base, **{key: overlaid(base.get(key), value) for key, value in overlay.items()}}


def node_at(config, keys):
    for key in keys:
        config = config[key]
    return config


def with_value(key, value):
    """config.yaml with ``value`` at the dotted ``key``."""
    changed = document("config.yaml")
    *parents, last = key.split(".")
    node_at(changed, parents)[last] = value
    return changed


def refusal(config):
    with pytest.raises(ConfigError) as caught:
        validated(config)
    return str(caught.value)


def settings_of(paper, grid):
    return [point.settings for point in paper.grids[grid].points[grid]]


def test_the_full_configuration_is_valid_and_keeps_the_order_of_its_problems():
    config = document("config.yaml")
    assert validated(config).problems == [
        key for key in config if key not in ("pathvars", "device", "jobs_per_gpu")
    ]


@pytest.mark.parametrize("name", ["smoke.yaml", "cluster.yaml", "gpu.yaml"])
def test_the_overlays_are_valid(name):
    validated(overlaid(document("config.yaml"), document(name)))


def test_the_smoke_overlay_is_smaller_and_has_the_same_grids():
    full, smoke = (
        validated(overlaid(document("config.yaml"), extra)) for extra in ({}, document("smoke.yaml"))
    )
    assert set(smoke.grids) == set(full.grids)
    for small, large in zip(settings_of(smoke, "parity"), settings_of(full, "parity"), strict=False):
        assert small.steps < large.steps
        assert small.batch_size == large.batch_size


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


def test_the_schema_file_is_generated_from_the_models_and_accepts_the_configuration():
    assert (CONFIG / "schema.yaml").read_text(encoding="utf-8") == schema()
    for overlay in ({}, document("smoke.yaml")):
        jsonschema.validate(overlaid(document("config.yaml"), overlay), document("schema.yaml"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{PARITY}.settings.learning_rate", 0),
        (f"{PARITY}.settings.steps", 0),
        (f"{PARITY}.settings.lerning_rate", 0.1),
        (f"{PARITY}.grids.parity.settings", {"steps": 0}),
        (f"{PARITY}.grids.parity.seeds", 0),
        (f"{PARITY}.seed_per_job", 1),
        ("flat_activations.experiment.settings_by.approach.multiclass.batch_size", 0),
        ("parity.realisability.settings.exhaustive_dim", [15]),
        ("pathvars.results", "../elsewhere"),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(key, value):
    refusal(with_value(key, value))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(with_value(key, value), document("schema.yaml"))


def test_every_key_is_described():
    part = document("schema.yaml")
    for name, definition in {"": part, **part["$defs"]}.items():
        for key, field in definition["properties"].items():
            assert field.get("description") or "$ref" in field, f"{name}.{key}"


@pytest.mark.parametrize("value", ["1e-3", "0.001", 1e-3, 1])
def test_a_float_may_be_written_in_every_way_that_yaml_knows(value):
    paper = validated(with_value(f"{PARITY}.settings.learning_rate", value))
    assert {settings.learning_rate for settings in settings_of(paper, "parity")} == {float(value)}


def test_numbers_inside_strings_are_numbers_as_snakemake_hands_them_over():
    as_text = with_value(f"{PARITY}.settings.steps", "50000")
    as_text["parity"]["experiment"]["grids"]["parity"] = {"dim": ["5", "10"], "seeds": "24"}
    as_numbers = with_value(f"{PARITY}.grids.parity", {"dim": [5, 10], "seeds": 24})
    assert validated(as_text).config == validated(as_numbers).config


@pytest.mark.parametrize("changed", [{"steps": "50"}, {"steps": 50.0}, {"steps": True}, {"steps": None}])
def test_the_models_themselves_convert_nothing_to_an_integer(changed):
    good = {"dim": 5, "steps": 50, "eval_every": 10, "eval_samples": 9, "batch_size": 8, "learning_rate": 0.5}
    ParitySettings(**good)
    with pytest.raises(ValueError, match="valid integer"):
        ParitySettings(**{**good, **changed})


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        (f"{PARITY}.settings.steps", "many", "integer"),
        (f"{PARITY}.settings.steps", 5.0, "integer"),
        (f"{PARITY}.settings.steps", True, "integer"),
        (f"{PARITY}.settings.steps", 0, "greater than 0"),
        (f"{PARITY}.settings.eval_samples", None, "integer"),
        (f"{PARITY}.settings.learning_rate", -0.01, "greater than 0"),
        (f"{PARITY}.settings.learning_rate", float("inf"), "finite"),
        (f"{PARITY}.settings.learning_rate", True, "number"),
        (f"{PARITY}.settings.learning_rate", "[5", "number"),
        (f"{PARITY}.seeds_per_job", 0, "greater than 0"),
        (f"{PARITY}.grids.parity.seeds", 0, "greater than 0"),
        ("parity.realisability.settings.exhaustive_dim", [3, 3], "lists 3 more than once"),
        ("flat_activations.experiment.settings_by.approach.multiclass.batch_size", 0, "greater than 0"),
        ("tuples.experiment.settings.optimiser.epsilon", 0, "greater than 0"),
        ("curves.experiment.grids.curves_linear_sgd.settings.optimiser.learning_rate", -1, "greater than 0"),
        ("parity", None, "dictionary"),
        (f"{PARITY}.settings", 3, "dictionary"),
        ("device", "gpu", "pattern"),
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
        (f"{PARITY}.grids.parity.dim", 0, "greater than or equal to 1"),
        (f"{PARITY}.grids.parity.dim", 5.0, "integer"),
        (f"{PARITY}.grids.parity_architecture.architecture", "10d,5d", "pattern"),
        (f"{PARITY}.grids.parity_encoding.input_encoding", "bit", "'signs' or 'bits'"),
        ("curves.experiment.grids.curves_text.curve_distribution", "texts", "'figure' or 'text'"),
    ],
)
def test_a_bad_value_on_an_axis_is_named_with_its_key(axis, value, allowed):
    message = refusal(with_value(axis, [value]))
    assert message.startswith(f"{axis}: {value!r} is not allowed: ")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("parrity", "parity"),
        ("parity.realizability", "realisability"),
        (f"{PARITY}.setting", "settings"),
        (f"{PARITY}.settings.lerning_rate", "learning_rate"),
        ("parity.realisability.settings.sampled_input", "sampled_inputs"),
        ("flat_activations.experiment.settings_by.approach.multiclass.step", "steps"),
        ("tuples.experiment.settings.optimiser.beta3", "beta2"),
        ("curves.experiment.grids.curves_linear_sgd.settings.optimiser.learnin_rate", "learning_rate"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(key, nearest):
    message = refusal(with_value(key, 3))
    assert message.startswith(f"{key}: unknown key; did you mean '{nearest}'? Valid keys here: ")
    assert nearest in message.split("Valid keys here: ")[1].split(", ")
    assert "\n" not in message


def test_an_axis_that_is_no_setting_is_named_with_the_nearest_that_is():
    message = refusal(with_value(f"{PARITY}.grids.mine", {"dim": [5], "lerning_rate": [0.1], "seeds": 1}))
    assert message.startswith(f"{PARITY}.grids.mine.lerning_rate: unknown key; did you mean 'learning_rate'?")


@pytest.mark.parametrize(
    "key",
    [
        "parity",
        f"{PARITY}.settings.steps",
        f"{PARITY}.grids",
        "pathvars",
        "tuples.experiment.settings.optimiser.beta1",
    ],
)
def test_a_missing_key_is_named(key):
    config = document("config.yaml")
    *parents, last = key.split(".")
    del node_at(config, parents)[last]
    assert refusal(config) == f"{key}: this key is missing"


def test_settings_that_do_not_fit_each_other_are_named_once_with_their_grid():
    message = refusal(with_value(f"{PARITY}.grids.parity_subset_size.fixed_subset_size", [31]))
    assert message == (
        f"{PARITY}.grids.parity_subset_size: fixed_subset_size 31 is larger than dim 30; allowed: 0 to 30"
    )
    message = refusal(with_value(f"{PARITY}.settings.eval_every", 50_001))
    allowed = "eval_every 50001 is larger than steps 50000; allowed: 1 to 50000"
    assert message == f"{PARITY}.grids.parity: {allowed}"


@pytest.mark.parametrize("name", ["../x", "a/b", "Parity", "1st", "", "a b", "a.b", "_a", "parity\n", "é"])
def test_a_grid_name_that_is_no_file_name_is_refused(name):
    config = document("config.yaml")
    config["parity"]["experiment"]["grids"][name] = {"dim": [5], "seeds": 1}
    message = refusal(config)
    assert message.startswith(f"{PARITY}.grids.")
    assert f"{name!r} is not allowed: string should match pattern" in message


def test_two_grids_of_one_name_are_refused():
    message = refusal(with_value(f"{PARITY}.grids.realisability", {"dim": [5], "seeds": 1}))
    assert message == "two grids are called realisability, and both would write metrics/realisability.nc"


def test_a_grid_that_a_figure_is_drawn_from_has_its_axes():
    message = refusal(with_value(f"{PARITY}.grids.parity.input_encoding", ["signs"]))
    assert message.startswith(f"{PARITY}.grids.parity must have the axes dim for the figure parity")
    config = document("config.yaml")
    del config["parity"]["experiment"]["grids"]["parity"]
    assert refusal(config) == "parity: the grid parity is missing; the figure parity is drawn from it"


OUTSIDE = ["/tmp/x", "..", "../x", "a/../../x", "~/x", "config", "src/x", "benchmarks", ".git"]
SIGNS = ["", "a/", "a//b", "a b", "a\n", "{dim}", "<logs>", "$HOME"]


@pytest.mark.parametrize("folder", [*OUTSIDE, *SIGNS])
@pytest.mark.parametrize("name", ["results", "logs"])
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
    folders = {"results": folder, "logs": "logs" if folder == "results" else f"{folder}/logs"}
    assert validated(with_value("pathvars", folders)).run.pathvars.results == folder


@pytest.mark.parametrize(("moved", "stays"), [("results", "logs"), ("logs", "results")])
def test_a_run_in_a_folder_of_its_own_keeps_its_logs_and_costs_to_itself(moved, stays):
    message = refusal(with_value("pathvars", {moved: f"mine/{moved}", stays: stays}))
    assert message.startswith(f"pathvars: {stays} would be shared with the run in the usual folders")


def test_several_mistakes_take_one_line_each():
    config = with_value(f"{PARITY}.settings.steps", 0)
    config["parity"]["experiment"]["grids"]["parity"]["dim"] = [5, "x"]
    config["parity"]["realisability"]["settings"]["smapled_dim"] = 3
    assert sorted(line.split(": ")[0] for line in refusal(config).splitlines()) == [
        f"{PARITY}.grids.parity.dim",
        f"{PARITY}.settings.steps",
        "parity.realisability.settings.smapled_dim",
    ]
