"""Putting runs together: every value must end up at its own coordinates, and what does not fit is refused."""

import random

import numpy as np
import pytest
import xarray as xr
import yaml

from gradient_failures.config.grids import Computation, ComputationConfig
from gradient_failures.problems.parity.settings import ParitySettings
from gradient_failures.results import dataset
from gradient_failures.results.combine import combine
from gradient_failures.results.dataset import DatasetError, located
from gradient_failures.results.runs import DIVERGED, LAST_STEP, completed

STEPS = [0, 10, 20]
SETTINGS = {"steps": 20, "eval_every": 10, "eval_samples": 9, "batch_size": 8, "learning_rate": 0.5}
ONE = {"long_name": "a number", "units": "1"}


def value_at(settings, seed, step):
    """A number that tells the grid point, the seed and the step."""
    layers, size = settings.architecture.count("d"), settings.fixed_subset_size or 0
    return 1e6 * settings.dim + 1e5 * layers + 1e4 * size + 1e3 * settings.learning_rate + 100 * seed + step


def run_at(run, **attributes):
    """What the job of ``run`` would write."""
    settings, seeds = run.point.settings, list(run.seeds)
    steps = [step for step in STEPS if step <= settings.steps]
    values = np.array([[value_at(settings, seed, step) for step in steps] for seed in seeds])
    origin = {
        "code_hash": "c",
        "lock_hash": "l",
        "device": "cpu",
        "git_commit": "a",
        "git_dirty": 0,
        "wall_seconds": 1.5,
        "config": yaml.safe_dump({"settings": settings.model_dump()}),
        "title": run.path,
    }
    result = xr.Dataset(
        {
            "accuracy": (("seed", "step"), values, ONE),
            "subset_size": ("seed", [settings.dim + seed for seed in seeds], ONE),
            DIVERGED: ("seed", np.full(len(seeds), np.nan), ONE),
            LAST_STEP: ("seed", np.full(len(seeds), steps[-1]), ONE),
        },
        coords={"seed": ("seed", seeds, ONE), "step": ("step", steps, ONE)},
        attrs={**origin, **attributes},
    )
    return located(result, settings)


class Sweep:
    """A grid with its runs, and the arguments of ``combine`` but for the runs."""

    def __init__(self, per_job=2, seeds=4, settings_by=None, **axes):
        settings = SETTINGS if "dim" in axes else {**SETTINGS, "dim": 30}
        config = {"settings": settings, "settings_by": settings_by or {}, "seeds_per_job": per_job}
        checked = ComputationConfig.model_validate({**config, "grids": {"grid": {**axes, "seeds": seeds}}})
        computation = Computation("parity", "experiment", ParitySettings, checked)
        points = {point.name: point.settings.model_dump() for point in computation.points["grid"]}
        self.jobs = {f"runs/{run.path}.nc": run for run in computation.runs("grid")}
        self.runs = {path: run_at(run) for path, run in self.jobs.items()}
        self.arguments = {"axes": axes, "points": points, "seeds": seeds}

    def combined(self):
        return combine(self.runs, **self.arguments)

    def refusal(self, path=None):
        """What is said of ``path``, whatever the order of the runs."""
        shuffled = dict(random.Random(0).sample(list(self.runs.items()), len(self.runs)))
        for runs in (self.runs, shuffled):
            with pytest.raises(DatasetError) as caught:
                combine(runs, **self.arguments)
            if path:
                assert str(caught.value).startswith(f"{path}: ")
        return str(caught.value)


@pytest.mark.parametrize("per_job", [1, 2, 100])
@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"dim": [5]},
        {"dim": [30, 5, 10]},
        {"fixed_subset_size": [2, 1, 3]},
        {"architecture": ["10d-10d", "10d"], "dim": [30, 10]},
        {"dim": [30, 10], "fixed_subset_size": [0, 4], "architecture": ["10d-10d", "10d"]},
        {"learning_rate": [0.5, 0.1]},
    ],
    ids=lambda axes: ",".join(axes),
)
def test_every_value_ends_up_at_its_coordinates_whatever_the_order_of_the_files(axes, per_job):
    sweep = Sweep(per_job, **axes)
    shuffled = dict(random.Random(1).sample(list(sweep.runs.items()), len(sweep.runs)))
    combined = combine(shuffled, **sweep.arguments)
    assert combined["accuracy"].dims == (*axes, "seed", "step")
    assert combined["subset_size"].dims == (*axes, "seed")
    assert set(combined.coords) == {*axes, "seed", "step"}
    for axis, values in axes.items():
        assert combined[axis].values.tolist() == values
        assert combined[axis].attrs["long_name"]
    assert combined["seed"].values.tolist() == [0, 1, 2, 3]
    points = {frozenset(run.point.axes.items()): run.point.settings for run in sweep.jobs.values()}
    for cell in combined["accuracy"].stack(cell=combined["accuracy"].dims).transpose("cell"):
        at = {name: cell[name].item() for name in combined["accuracy"].dims}
        seed, step = at.pop("seed"), at.pop("step")
        settings = points[frozenset(at.items())]
        assert cell.item() == value_at(settings, seed, step)
        assert combined["subset_size"].sel({**at, "seed": seed}).item() == settings.dim + seed


def test_the_combined_file_keeps_the_data_contract_and_says_what_the_runs_share(tmp_path):
    sweep = Sweep(dim=[30, 10], architecture=["10d", "10d-10d"])
    for path, run in sweep.runs.items():
        dataset.write(run, tmp_path / path, run.attrs)
        sweep.runs[path] = dataset.read(tmp_path / path)
    combined = sweep.combined()
    assert combined.attrs["wall_seconds"] == 1.5 * len(sweep.runs)
    assert (combined.attrs["runs_code_hash"], combined.attrs["runs_lock_hash"]) == ("c", "l")
    assert (combined.attrs["runs_git_commit"], combined.attrs["runs_git_dirty"]) == ("a", 0)
    shared = yaml.safe_load(combined.attrs["runs_settings"])
    assert shared == {**SETTINGS, "fixed_subset_size": None, "input_encoding": "signs"}
    assert "title" not in combined.attrs
    dataset.write(combined, tmp_path / "combined.nc", combined.attrs)
    wanted = {"accuracy": ("dim", "architecture", "seed", "step")}
    back = dataset.read(tmp_path / "combined.nc", wanted)
    np.testing.assert_array_equal(back["accuracy"], combined["accuracy"])
    assert back["architecture"].values.tolist() == ["10d", "10d-10d"]


def test_a_run_in_the_folder_of_another_point_is_refused():
    """Labels once came from the order of the files: accuracy at d = 5 was that of d = 10, without a word."""
    sweep = Sweep(dim=[5, 10], per_job=4)
    five, ten = sweep.runs
    sweep.runs = {five: sweep.runs[ten], ten: sweep.runs[five]}
    assert "its settings are not those of the configuration for the point it lies in" in sweep.refusal()


@pytest.mark.parametrize("coordinate", [7, None])
def test_a_run_whose_coordinate_is_not_that_of_its_folder_is_refused(coordinate):
    sweep = Sweep(dim=[5, 10])
    odd = "runs/dim~10/seeds~2-3.nc"
    run = sweep.runs[odd].drop_vars("dim")
    sweep.runs[odd] = run if coordinate is None else run.assign_coords(dim=((), coordinate, ONE))
    assert ("'dim' is missing" if coordinate is None else "its dim is 7, not the 10") in sweep.refusal(odd)


@pytest.mark.parametrize(
    ("paths", "odd", "message"),
    [
        (["seeds~0-1.nc"], "seeds~0-1.nc", "ends with seed 1, and 4 seeds are asked for"),
        (["seeds~2-3.nc"], "seeds~2-3.nc", "its seed 2 comes after a gap from seed 0 on"),
        (["seeds~0-1.nc", "seeds~1-2.nc"], "seeds~1-2.nc", "its seed 1 is in another file too"),
        (["seeds~0-1.nc", "seeds~0-3.nc"], None, "is in another file too"),
        (["seeds~0-1.nc", "seeds~2-3.nc", "seeds~4-5.nc"], "seeds~4-5.nc", "its seed 4 is not asked for"),
    ],
)
def test_seeds_that_are_missing_repeated_or_too_many_are_refused(paths, odd, message):
    sweep = Sweep(dim=[5, 10])
    (job,) = [job for path, job in sweep.jobs.items() if path == "runs/dim~10/seeds~0-1.nc"]
    sweep.runs = {path: run for path, run in sweep.runs.items() if "dim~5" in path}
    for path in paths:
        first, last = path.removeprefix("seeds~").removesuffix(".nc").split("-")
        seeds = tuple(range(int(first), int(last) + 1))
        sweep.runs[f"runs/dim~10/{path}"] = run_at(type(job)(job.point, seeds))
    assert message in sweep.refusal(odd and f"runs/dim~10/{odd}")


def test_a_point_without_runs_is_refused():
    sweep = Sweep(dim=[5, 10])
    sweep.runs = {path: run for path, run in sweep.runs.items() if "dim~5" in path}
    with pytest.raises(ValueError, match="no run is at dim = 10"):
        sweep.combined()


@pytest.mark.parametrize("key", ["code_hash", "lock_hash", "device"])
def test_runs_of_another_origin_are_refused_by_name(key):
    sweep = Sweep(dim=[5, 30])
    odd = "runs/dim~30/seeds~0-1.nc"
    sweep.runs[odd] = sweep.runs[odd].assign_attrs({key: "another"})
    with pytest.raises(DatasetError, match=f"its (runs_)?{key} differs") as caught:
        sweep.combined()
    assert odd in str(caught.value)
    assert next(iter(sweep.runs)) in str(caught.value)


def test_runs_may_differ_in_title_duration_and_commit():
    sweep = Sweep(dim=[5, 30])
    odd = {"title": "another", "wall_seconds": 10.5, "git_commit": "b", "git_dirty": 1}
    sweep.runs["runs/dim~30/seeds~0-1.nc"].attrs.update(odd)
    attrs = sweep.combined().attrs
    assert attrs["wall_seconds"] == 1.5 * (len(sweep.runs) - 1) + 10.5
    assert (attrs["runs_git_commit"], attrs["runs_git_dirty"]) == ("a b", 1)


def test_a_run_made_with_other_settings_is_refused_by_name():
    sweep = Sweep(dim=[5, 30])
    odd = "runs/dim~30/seeds~0-1.nc"
    settings = {**yaml.safe_load(sweep.runs[odd].attrs["config"])["settings"], "steps": 21}
    sweep.runs[odd] = sweep.runs[odd].assign_attrs(config=yaml.safe_dump({"settings": settings}))
    assert "settings are not those of the configuration" in sweep.refusal(odd)


def test_a_diverged_run_stays_flagged_at_its_place(tmp_path):
    sweep = Sweep(dim=[5, 10, 30])
    diverged = sweep.runs["runs/dim~10/seeds~2-3.nc"]
    diverged["accuracy"][1, 1:] = np.nan
    diverged[DIVERGED][1] = 10.0
    combined = sweep.combined()
    dataset.write(combined, tmp_path / "combined.nc", combined.attrs)
    assert combined[DIVERGED].sel(dim=10, seed=3).item() == 10
    assert combined[DIVERGED].notnull().sum().item() == 1


def test_runs_may_end_earlier_at_some_points(tmp_path):
    """They are NaN from there on, which the data contract allows them alone."""
    by = {"input_encoding": {"bits": {"steps": 10}}}
    combined = Sweep(1, seeds=2, settings_by=by, dim=[5], input_encoding=["signs", "bits"]).combined()
    signs, bits = (combined.sel(dim=5, input_encoding=name) for name in ("signs", "bits"))
    assert combined["step"].values.tolist() == STEPS
    assert bits["accuracy"].isnull().any("seed").values.tolist() == [False, False, True]
    assert signs["accuracy"].notnull().all()
    assert completed(bits)["step"].values.tolist() == [0, 10]
    assert completed(signs)["step"].values.tolist() == STEPS
    dataset.write(combined, tmp_path / "combined.nc", combined.attrs)
    combined["accuracy"][0, 0, 0, 2] = np.nan
    with pytest.raises(ValueError, match="neither diverged nor ended"):
        dataset.write(combined, tmp_path / "combined.nc", combined.attrs)


def test_what_has_no_seed_stays_without_one_and_must_be_equal_in_all_blocks():
    sweep = Sweep(dim=[5, 10])
    for path, run in sweep.runs.items():
        sweep.runs[path] = run.assign(bound=("step", np.arange(3.0) + run["dim"].item(), ONE))
    combined = sweep.combined()
    assert combined["bound"].dims == ("dim", "step")
    assert combined["bound"].sel(dim=10).values.tolist() == [10, 11, 12]
    sweep.runs[path] = sweep.runs[path].assign(bound=("step", np.ones(3), ONE))
    with pytest.raises(xr.MergeError):
        sweep.combined()


def test_a_grid_without_seeds_is_its_one_run():
    sweep = Sweep(dim=[5, 10], seeds=1)
    runs = {path.replace("0-0", "none"): run.isel(seed=0, drop=True) for path, run in sweep.runs.items()}
    sweep.runs, sweep.arguments["seeds"] = runs, None
    combined = sweep.combined()
    assert combined["accuracy"].dims == ("dim", "step")
    sweep.runs["runs/dim~5/more.nc"] = sweep.runs["runs/dim~5/seeds~none.nc"]
    assert "another file is at the same point" in sweep.refusal()
