"""Putting the runs of a grid together, by the coordinates that they carry."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from gradient_failures.config.base import as_coordinate
from gradient_failures.config.yaml import parse_yaml
from gradient_failures.results.dataset import DatasetError

Place = tuple[Any, ...]


def combine(
    runs: Mapping[str, xr.Dataset],
    axes: Mapping[str, Sequence[Any]],
    points: Mapping[str, Mapping[str, Any]],
    seeds: int | None,
) -> xr.Dataset:
    """One dataset from the seed blocks of every point of a grid.

    Parameters
    ----------
    runs : datasets by path, in any order; the folder of each is named after its point.
    axes : the values of each axis of the grid.
    points : the settings of each point by its name.
    seeds : how many seeds every point must have, 0 to seeds - 1; None where the runs have none of their own.

    Returns
    -------
    Dataset with the axes as leading dimensions and every step at which some run was evaluated; its
    attributes say what the runs have in common.

    Raises
    ------
    DatasetError : a run is not at the point that its folder is named after, was made with other settings,
        code or versions, or has a seed that another has too; or seeds are missing.
    """
    origin = _origin_of_all(runs)
    blocks: dict[Place, dict[str, xr.Dataset]] = {}
    for path, run in runs.items():
        blocks.setdefault(_place(path, run, axes, points), {})[path] = run
    labels = {axis: [as_coordinate(value) for value in values] for axis, values in axes.items()}
    joined = {place: _over_seeds(found, axes, seeds) for place, found in blocks.items()}
    combined = _over_axes(joined, labels)
    combined.attrs = {**origin, "runs_settings": yaml.safe_dump(_in_common(points), sort_keys=False)}
    return combined


def _place(
    path: str, run: xr.Dataset, axes: Mapping[str, Any], points: Mapping[str, Mapping[str, Any]]
) -> Place:
    """The coordinates of ``run`` on the axes, which must be those of the point whose name its folder has."""
    made = parse_yaml(run.attrs["config"])
    wanted = points.get(Path(path).parent.name)
    if wanted is None or made["settings"] != wanted:
        raise DatasetError(path, "its settings are not those of the configuration for the point it lies in")
    missing = [axis for axis in axes if axis not in run.coords]
    if missing:
        raise DatasetError(
            path, f"it does not say where it belongs: the coordinate {missing[0]!r} is missing"
        )
    place = tuple(run[axis].item() for axis in axes)
    for axis, value in zip(axes, place, strict=True):
        if value != (expected := as_coordinate(_setting(wanted, axis))):
            raise DatasetError(path, f"its {axis} is {value}, not the {expected} of the point it lies in")
    return place


def _over_seeds(blocks: Mapping[str, xr.Dataset], axes: Mapping[str, Any], seeds: int | None) -> xr.Dataset:
    """The blocks of one point in the order of their seeds, which must be 0 to seeds - 1, each once."""
    plain = {path: block.drop_vars(_settings_but(axes, block)) for path, block in blocks.items()}
    if seeds is None:
        if len(plain) > 1:
            raise DatasetError(list(plain)[1], "another file is at the same point, and neither has seeds")
        return next(iter(plain.values()))
    ordered = sorted(plain.items(), key=lambda item: int(item[1]["seed"][0]))
    expected = 0
    for path, block in ordered:
        for seed in block["seed"].values.tolist():
            if seed >= seeds:
                raise DatasetError(path, f"its seed {seed} is not asked for")
            if seed < expected:
                raise DatasetError(path, f"its seed {seed} is in another file too")
            if seed > expected:
                raise DatasetError(path, f"its seed {seed} comes after a gap from seed {expected} on")
            expected += 1
    if expected != seeds:
        last, _ = ordered[-1]
        raise DatasetError(last, f"it ends with seed {expected - 1}, and {seeds} seeds are asked for")
    return xr.concat(
        [block for _, block in ordered],
        dim="seed",
        data_vars="minimal",
        coords="minimal",
        compat="equals",
        join="exact",
        combine_attrs="override",
    )


def _over_axes(
    joined: Mapping[Place, xr.Dataset], labels: Mapping[str, Sequence[Any]], at: Place = ()
) -> xr.Dataset:
    """The datasets of all points, nested along the axes from the last to the first."""
    if len(at) == len(labels):
        if at not in joined:
            where = ", ".join(f"{axis} = {value}" for axis, value in zip(labels, at, strict=True))
            raise ValueError(f"no run is at {where}")
        return joined[at]
    axis = list(labels)[len(at)]
    parts = [_over_axes(joined, labels, (*at, value)) for value in labels[axis]]
    return xr.concat(
        parts,
        dim=axis,
        data_vars="all",
        coords="minimal",
        compat="override",
        join="outer",
        combine_attrs="override",
    )


def _settings_but(axes: Mapping[str, Any], run: xr.Dataset) -> list[str]:
    """The scalar coordinates of ``run`` that are no axes."""
    return [str(name) for name, coordinate in run.coords.items() if coordinate.ndim == 0 and name not in axes]


def _setting(settings: Mapping[str, Any], name: str) -> Any:
    value: Any = settings
    for key in name.split("."):
        value = value[key]
    return value


def _in_common(points: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings that all points share."""
    first, *others = points.values()
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _origin_of_all(runs: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Where the runs come from: what they have in common, and all their commits and seconds."""
    return {
        **_common_origin(runs),
        "runs_git_commit": " ".join(sorted({run.attrs["git_commit"] for run in runs.values()})),
        "runs_git_dirty": max(run.attrs["git_dirty"] for run in runs.values()),
        "wall_seconds": sum(run.attrs["wall_seconds"] for run in runs.values()),
    }


def _common_origin(runs: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Code, lock file and device of the runs, which must be the same for all."""
    origins = {path: _origin(run) for path, run in runs.items()}
    first_path, first = next(iter(origins.items()))
    for path, origin in origins.items():
        differing = [key for key in first if origin[key] != first[key]]
        if differing:
            raise DatasetError(path, f"its {', '.join(differing)} differs from that of {first_path}")
    return first


def _origin(run: xr.Dataset) -> dict[str, Any]:
    return {
        "runs_code_hash": run.attrs["code_hash"],
        "runs_lock_hash": run.attrs["lock_hash"],
        "device": run.attrs["device"],
    }
