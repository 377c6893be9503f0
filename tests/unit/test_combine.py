"""Putting runs together: every value must end up at its own coordinates."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from gradient_failures import dataset
from gradient_failures.combine import AXIS_NAMES, combine, combine_seeds
from gradient_failures.config.base import seed_blocks
from gradient_failures.config.paper import validated
from gradient_failures.config.parity import ParityPoint, ParitySweep
from gradient_failures.dataset import DatasetError

STEPS = [0, 10, 20]
TRAINING = {"steps": 20}
ONE = {"long_name": "a number", "units": "1"}


def code(point, seed, step):
    """A number that tells the grid point, the seed and the step."""
    layers = point.architecture.count("d")
    return 1e6 * point.dim + 1e5 * layers + 1e4 * (point.fixed_subset_size or 0) + 100 * seed + step


def run_of(point, block, **attributes):
    values = np.array([[code(point, seed, step) for step in STEPS] for seed in block])
    origin = {
        "code_hash": "c",
        "lock_hash": "l",
        "device": "cpu",
        "git_commit": "a",
        "git_dirty": 0,
        "wall_seconds": 1.5,
        "config": yaml.safe_dump({"point": point.slug(), "training": TRAINING}),
        "title": point.slug(),
    }
    return xr.Dataset(
        {
            "accuracy": (("seed", "step"), values, ONE),
            "subset_size": ("seed", [point.dim + seed for seed in block], ONE),
            dataset.DIVERGED: ("seed", np.full(len(block), np.nan), ONE),
            dataset.LAST_STEP: ("seed", np.full(len(block), STEPS[-1]), ONE),
        },
        coords={"seed": ("seed", list(block), ONE), "step": ("step", STEPS, ONE)},
        attrs={**origin, **attributes},
    )


def runs_of(sweep, per_job):
    """The runs of a sweep in the order of the workflow: blocks of seeds run fastest."""
    return {
        f"{point.slug()}/seeds~{block[0]}-{block[-1]}.nc": run_of(point, block)
        for point in sweep.points()
        for block in seed_blocks(sweep.seeds, per_job)
    }


SWEEPS = [
    ParitySweep(dim=[5], seeds=1),
    ParitySweep(dim=[5, 10, 30], seeds=4),
    ParitySweep(dim=[30], fixed_subset_size=[2, 1, 3], seeds=5),
    ParitySweep(dim=[30, 10], architecture=["10d-10d", "10d"], seeds=3),
    ParitySweep(dim=[30, 10], fixed_subset_size=[0, 4], architecture=["10d-10d", "10d", "2d-2d-2d"], seeds=3),
]


@pytest.mark.parametrize("per_job", [1, 2, 100])
@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: ",".join(sweep.axes()))
def test_every_value_ends_up_at_its_coordinates(sweep, per_job):
    combined = combine(runs_of(sweep, per_job), sweep.axes(), TRAINING)
    axes = sweep.axes()
    assert combined["accuracy"].dims == (*axes, "seed", "step")
    assert combined["subset_size"].dims == (*axes, "seed")
    for axis, values in axes.items():
        assert combined[axis].values.tolist() == values
    assert combined["seed"].values.tolist() == list(range(sweep.seeds))
    for cell in combined["accuracy"].stack(cell=combined["accuracy"].dims).transpose("cell"):
        at = {name: cell[name].item() for name in combined["accuracy"].dims}
        seed, step = at.pop("seed"), at.pop("step")
        assert cell.item() == code(ParityPoint(**at), seed, step)
        assert combined["subset_size"].sel(at).sel(seed=seed).item() == at["dim"] + seed


def test_the_combined_file_keeps_the_data_contract_and_says_what_the_runs_share(tmp_path):
    sweep = SWEEPS[3]
    runs = runs_of(sweep, per_job=2)
    combined = combine(runs, sweep.axes(), TRAINING)
    assert combined.attrs["wall_seconds"] == 1.5 * len(runs)
    assert combined.attrs["runs_code_hash"] == "c"
    assert combined.attrs["runs_lock_hash"] == "l"
    assert combined.attrs["device"] == "cpu"
    assert (combined.attrs["runs_git_commit"], combined.attrs["runs_git_dirty"]) == ("a", 0)
    assert yaml.safe_load(combined.attrs["runs_training"]) == TRAINING
    assert "title" not in combined.attrs
    dataset.write(combined, tmp_path / "combined.nc", combined.attrs)
    wanted = {"accuracy": ("dim", "architecture", "seed", "step")}
    back = dataset.read(tmp_path / "combined.nc", wanted)
    np.testing.assert_array_equal(back["accuracy"], combined["accuracy"])
    assert back["architecture"].values.tolist() == ["10d-10d", "10d"]


def test_a_diverged_run_stays_flagged_at_its_place(tmp_path):
    sweep = SWEEPS[1]
    runs = runs_of(sweep, per_job=2)
    diverged = runs["dim~10/seeds~2-3.nc"]
    diverged["accuracy"][1, 1:] = np.nan
    diverged[dataset.DIVERGED][1] = 10.0
    combined = combine(runs, sweep.axes(), TRAINING)
    dataset.write(combined, tmp_path / "combined.nc", combined.attrs)
    flags = combined[dataset.DIVERGED]
    assert flags.sel(dim=10, seed=3).item() == 10
    assert flags.notnull().sum().item() == 1


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("code_hash", {"code_hash": "another"}),
        ("lock_hash", {"lock_hash": "another"}),
        ("device", {"device": "cuda"}),
    ],
)
def test_runs_of_another_origin_are_refused_by_name(key, changed):
    sweep = SWEEPS[1]
    runs = runs_of(sweep, per_job=2)
    odd = "dim~30/seeds~0-1.nc"
    runs[odd] = runs[odd].assign_attrs(changed)
    with pytest.raises(DatasetError, match=key) as caught:
        combine(runs, sweep.axes(), TRAINING)
    assert odd in str(caught.value)
    assert next(iter(runs)) in str(caught.value)


def test_runs_may_differ_in_title_duration_and_commit():
    sweep = SWEEPS[1]
    runs = runs_of(sweep, per_job=2)
    odd = {"title": "another", "wall_seconds": 10.5, "git_commit": "b", "git_dirty": 1}
    runs["dim~30/seeds~0-1.nc"].attrs.update(odd)
    attrs = combine(runs, sweep.axes(), TRAINING).attrs
    assert attrs["wall_seconds"] == 1.5 * (len(runs) - 1) + 10.5
    assert (attrs["runs_git_commit"], attrs["runs_git_dirty"]) == ("a b", 1)


def test_a_run_trained_with_other_settings_is_refused_by_name():
    sweep = SWEEPS[1]
    runs = runs_of(sweep, per_job=2)
    odd = "dim~30/seeds~0-1.nc"
    made = {"point": "dim~30", "training": {"steps": 21}}
    runs[odd] = runs[odd].assign_attrs(config=yaml.safe_dump(made))
    with pytest.raises(DatasetError, match="settings are not those of the configuration") as caught:
        combine(runs, sweep.axes(), TRAINING)
    assert odd in str(caught.value)


def test_settings_may_differ_along_the_training_axis(tmp_path):
    """Runs that end earlier are NaN from there on, which the data contract allows them alone."""
    sweep = ParitySweep(dim=[5, 10], seeds=2)
    runs = runs_of(sweep, per_job=1)
    settings = {"5": {"steps": 20}, "10": {"steps": 10}}
    for path, run in runs.items():
        if path.startswith("dim~10"):
            short = run.isel(step=slice(2)).assign({dataset.LAST_STEP: ("seed", [10], ONE)})
            made = {"point": "dim~10", "training": settings["10"]}
            runs[path] = short.assign_attrs(config=yaml.safe_dump(made))
    combined = combine(runs, sweep.axes(), settings, "dim")
    assert combined["step"].values.tolist() == STEPS
    assert combined["accuracy"].sel(dim=10).isnull().any("seed").values.tolist() == [False, False, True]
    assert combined["accuracy"].sel(dim=5).notnull().all()
    assert dataset.completed(combined.sel(dim=10))["step"].values.tolist() == [0, 10]
    assert dataset.completed(combined.sel(dim=5))["step"].values.tolist() == STEPS
    dataset.write(combined, tmp_path / "combined.nc", combined.attrs)
    combined["accuracy"][0, 0, 2] = np.nan
    with pytest.raises(ValueError, match="neither diverged nor ended"):
        dataset.write(combined, tmp_path / "combined.nc", combined.attrs)


def test_every_axis_of_a_sweep_has_a_long_name():
    config = yaml.safe_load((Path(__file__).parents[2] / "config/config.yaml").read_text(encoding="utf-8"))
    sweeps = [
        sweep
        for experiment in validated(config).experiments().values()
        for sweep in experiment.sweeps.values()
    ]
    assert set(AXIS_NAMES) == {axis for sweep in sweeps for axis in sweep.point.model_fields}


SETTINGS = {"samples": 5}


def part_of(block, settings=SETTINGS, **attributes):
    part = run_of(ParityPoint(dim=5), block, config=yaml.safe_dump({"settings": settings}), **attributes)
    return part.assign(bound=("step", np.arange(3.0), ONE))


def test_seeds_of_a_diagnostic_end_up_at_their_coordinates():
    parts = {"a": part_of([0, 1], git_commit="b"), "b": part_of([2])}
    combined = combine_seeds(parts, SETTINGS)
    assert combined["seed"].values.tolist() == [0, 1, 2]
    for seed in range(3):
        expected = [code(ParityPoint(dim=5), seed, step) for step in STEPS]
        assert combined["accuracy"].sel(seed=seed).values.tolist() == expected
    assert combined["bound"].dims == ("step",)
    assert combined.attrs["wall_seconds"] == 3.0
    assert combined.attrs["runs_git_commit"] == "a b"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [({"settings": {"samples": 6}}, "settings"), ({"code_hash": "other"}, "code_hash")],
)
def test_parts_of_a_diagnostic_from_elsewhere_are_refused(changed, problem):
    with pytest.raises(DatasetError, match=rf"^b: its .*{problem}"):
        combine_seeds({"a": part_of([0]), "b": part_of([1], **changed)}, SETTINGS)


def test_parts_of_a_diagnostic_that_disagree_on_what_has_no_seed_are_refused():
    other = part_of([1]).assign(bound=("step", np.ones(3), ONE))
    with pytest.raises(xr.MergeError):
        combine_seeds({"a": part_of([0]), "b": other}, SETTINGS)
