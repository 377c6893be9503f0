"""The data contract: what is written comes back, and what breaks the contract is refused by name."""

import os

import netCDF4
import numpy as np
import pytest
import xarray as xr

from gradient_failures.problems.flat_activations.settings import FlatActivationsSettings
from gradient_failures.results import dataset
from gradient_failures.results.dataset import DatasetError, located
from gradient_failures.results.runs import DIVERGED

ATTRIBUTES = {"title": "accuracy", "wall_seconds": 1.25, "git_dirty": 0, "config": "training:\n  steps: 5\n"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def described(name):
    return {"long_name": name, "units": "1"}


def result(seeds=3, steps=5):
    rng = np.random.default_rng(0)
    shape = (2, seeds, steps)
    return xr.Dataset(
        {
            "accuracy": (("architecture", "seed", "step"), rng.random(shape), described("accuracy")),
            "loss": (("architecture", "seed", "step"), rng.random(shape).astype("f4"), described("loss")),
            "subset_size": (("architecture", "seed"), rng.integers(0, 9, shape[:2]), described("size")),
            DIVERGED: (("architecture", "seed"), np.full(shape[:2], np.nan), described("diverged")),
        },
        coords={
            "architecture": ("architecture", ["10d", "10d-10d"], described("hidden layers")),
            "seed": ("seed", np.arange(seeds), described("seed")),
            "step": ("step", 100 * np.arange(steps), described("steps")),
        },
    )


@pytest.fixture
def path(tmp_path):
    """A good result."""
    path = tmp_path / "result.nc"
    dataset.write(result(), path, ATTRIBUTES)
    return path


def saved(data, path):
    """Put ``data`` on disk as it is, past the checks of ``dataset.write``."""
    data.to_netcdf(path, engine="netcdf4")
    return path


def complete(data):
    return data.assign_attrs(complete=1)


def refusal(path, *arguments):
    with pytest.raises(DatasetError) as caught:
        dataset.read(path, *arguments)
    message = str(caught.value)
    assert str(path) in message
    assert f"snakemake --cores all {path}" in message
    return message


def without(data, name, attribute):
    data = data.copy(deep=True)
    del data[name].attrs[attribute]
    return data


def with_bad_run(data, flagged):
    """``data`` with one run that is not finite from its third evaluation on."""
    data = data.copy(deep=True)
    data["accuracy"][1, 2, 2:] = np.nan
    if flagged:
        data[DIVERGED][1, 2] = 200.0
    return data


def test_everything_comes_back_identical(tmp_path):
    path = tmp_path / "deep" / "result.nc"
    dataset.write(result(), path, ATTRIBUTES)
    back = dataset.read(path)
    expected = {**ATTRIBUTES, "Conventions": dataset.CONVENTIONS, "complete": 1}
    xr.testing.assert_identical(back, result().assign_attrs(expected))
    assert back["architecture"].values.tolist() == ["10d", "10d-10d"]
    assert {name: back[name].dtype for name in back.variables} == {
        name: result()[name].dtype for name in result().variables
    }
    assert names(path.parent) == ["result.nc"]


def test_a_file_is_read_as_xarray_reads_it(tmp_path):
    variables = {
        "text": ("row", ["a", "bcd"], described("text")),
        "flag": ("row", [True, False], described("flag")),
        "number": ((), 2.5, described("number")),
        "single": ("row", np.array([1, 2], "f4"), described("single")),
    }
    coordinates = {
        "row": ("row", ["r1", "row2"], described("row")),
        "label": ("row", [3, 4], described("label")),
    }
    path = tmp_path / "result.nc"
    dataset.write(xr.Dataset(variables, coordinates), path, ATTRIBUTES)
    back, expected = dataset.read(path), xr.load_dataset(path, engine="netcdf4")
    xr.testing.assert_identical(back, expected)
    for name, variable in expected.variables.items():
        assert back.variables[name].dtype == variable.dtype


def test_numbers_are_compressed_and_carry_a_checksum(path):
    with netCDF4.Dataset(path) as file:
        for name in ("accuracy", "loss", "subset_size", "step"):
            filters = file[name].filters()
            assert (filters["zlib"], filters["fletcher32"]) == (True, True)


def test_the_requested_variables_are_accepted_with_their_dimensions(path):
    assert "loss" in dataset.read(path, {"accuracy": ("architecture", "seed", "step")})


def test_a_file_read_can_be_replaced_at_once(tmp_path):
    path = tmp_path / "result.nc"
    dataset.write(result(seeds=3), path, ATTRIBUTES)
    first = dataset.read(path)
    dataset.write(result(seeds=4), path, ATTRIBUTES)
    assert first.sizes["seed"] == 3
    assert dataset.read(path).sizes["seed"] == 4


def test_a_missing_file_is_refused(tmp_path):
    assert "missing" in refusal(tmp_path / "result.nc")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0])
def test_a_truncated_file_is_refused(path, share):
    """It is emptied, or shorter, the last one by a byte."""
    os.truncate(path, int(share * (path.stat().st_size - 1)))
    assert "truncated or damaged" in refusal(path)


def test_a_damaged_byte_never_yields_other_numbers(tmp_path):
    path = tmp_path / "result.nc"
    dataset.write(result(seeds=40, steps=200), path, ATTRIBUTES)
    good, content = dataset.read(path), path.read_bytes()
    refused = 0
    for position in range(len(content) // 4, 3 * len(content) // 4, len(content) // 31):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :])
        try:
            xr.testing.assert_identical(dataset.read(path), good)
        except DatasetError:
            refused += 1
    assert refused > 10


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "result.nc"
    path.write_text("not netCDF\n" * 1000)
    assert "not readable as netCDF4" in refusal(path)


BREACHES = {
    "not marked complete": lambda data: data.drop_attrs(deep=False),
    "'step' has no coordinate": lambda data: data.drop_vars("step"),
    "'accuracy' has no units": lambda data: without(data, "accuracy", "units"),
    "'loss' has no long_name": lambda data: without(data, "loss", "long_name"),
    "'seed' has no long_name": lambda data: without(data, "seed", "long_name"),
    "'accuracy' has values that are not finite": lambda data: with_bad_run(data, flagged=False),
    "'loss' has values that are not finite": lambda data: data.assign(loss=data["loss"] / 0),
}


@pytest.mark.parametrize("reason", BREACHES)
def test_reading_refuses_a_breach_of_the_contract(tmp_path, reason):
    path = saved(BREACHES[reason](complete(result())), tmp_path / "result.nc")
    assert reason in refusal(path)


@pytest.mark.parametrize("reason", [reason for reason in BREACHES if reason != "not marked complete"])
def test_writing_refuses_a_breach_and_leaves_the_old_file(tmp_path, path, reason):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=reason) as caught:
        dataset.write(BREACHES[reason](result()), path, ATTRIBUTES)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["result.nc"]


def test_an_attribute_that_netcdf_cannot_hold_leaves_the_old_file(tmp_path, path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        dataset.write(result(), path, {**ATTRIBUTES, "device": None})
    assert path.read_bytes() == before
    assert names(tmp_path) == ["result.nc"]


@pytest.mark.parametrize("complete_value", [0, 2, "yes"])
def test_only_complete_equal_to_one_counts_as_complete(tmp_path, complete_value):
    path = saved(result().assign_attrs(complete=complete_value), tmp_path / "result.nc")
    assert "not marked complete" in refusal(path)


def test_a_run_flagged_as_diverged_may_be_not_finite(tmp_path):
    path = tmp_path / "result.nc"
    data = with_bad_run(result(), flagged=True)
    dataset.write(data, path, ATTRIBUTES)
    np.testing.assert_array_equal(dataset.read(path)["accuracy"], data["accuracy"])


def test_the_flag_of_one_run_does_not_excuse_another(tmp_path):
    data = with_bad_run(result(), flagged=True)
    data["accuracy"][0, 0, -1] = np.inf
    path = saved(complete(data), tmp_path / "result.nc")
    assert "'accuracy' has values that are not finite" in refusal(path)


def test_a_coordinate_that_is_not_a_number_is_refused(tmp_path):
    data = complete(result()).assign_coords(
        step=("step", [0.0, 100.0, np.nan, 300.0, 400.0], described("steps"))
    )
    assert "step" in refusal(saved(data, tmp_path / "result.nc"))


def test_a_missing_variable_is_refused(path):
    assert "'error_rate' is missing" in refusal(path, {"error_rate": ("dim",)})


@pytest.mark.parametrize(
    "dims",
    [("seed", "architecture", "step"), ("architecture", "seed"), ("architecture", "seed", "step", "dim")],
)
def test_other_dimensions_or_another_order_are_refused(path, dims):
    assert "'accuracy' has dimensions" in refusal(path, {"accuracy": dims})


ADAM = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-5, "epsilon_form": "torch"}


def test_a_result_carries_all_settings_but_those_whose_names_it_uses_itself(tmp_path):
    settings = FlatActivationsSettings.model_validate(
        {
            "steps": 20,
            "eval_every": 10,
            "batch_size": 4,
            "approach": "end_to_end",
            "hidden_widths": [3, 4],
            "optimiser": ADAM,
        }
    )
    steps, seed = ("seed", [1.0, 2.0], described("its own")), ("seed", [0, 1], described("seed"))
    run = xr.Dataset({"steps": steps}, {"seed": seed})
    dataset.write(located(run, settings), tmp_path / "run.nc", ATTRIBUTES)
    back = dataset.read(tmp_path / "run.nc")
    settings_there = {name: value.item() for name, value in back.coords.items() if value.ndim == 0}
    assert settings_there == {
        "eval_every": 10,
        "batch_size": 4,
        "approach": "end_to_end",
        "hidden_widths": "3-4",
        "optimiser.kind": "adam",
        **{f"optimiser.{name}": value for name, value in ADAM.items()},
    }
    assert back["steps"].values.tolist() == [1, 2]
    assert back["hidden_widths"].attrs == {"long_name": "units of the hidden layers", "units": "1"}
    assert back["optimiser.learning_rate"].attrs["long_name"] == "step size"
