"""Putting the runs of a grid together, by the coordinates that they carry."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from gradient_failures.config.base import as_coordinate, flat
from gradient_failures.config.yaml import parse_yaml
from gradient_failures.results.dataset import DatasetError

Place = tuple[Any, ...]
"""Coordinates on the axes of a grid, in their order."""

ORIGIN = {"runs_code_hash": "code_hash", "runs_lock_hash": "lock_hash", "device": "device"}
"""What all runs must have in common: attributes of the combined dataset, and of each run."""

KEPT: dict[str, Any] = {"coords": "minimal", "combine_attrs": "override"}
"""How all datasets are joined: what does not vary along the new dimension stays as it is."""


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
    combined = _over_axes({place: _over_seeds(found, axes, seeds) for place, found in blocks.items()}, axes)
    first, *others = points.values()
    shared = {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
    combined.attrs = {**origin, "runs_settings": yaml.safe_dump(shared, sort_keys=False)}
    return combined


def _place(
    path: str, run: xr.Dataset, axes: Mapping[str, Any], points: Mapping[str, Mapping[str, Any]]
) -> Place:
    """The coordinates of ``run`` on the axes, which must be those of the point whose name its folder has."""
    made = parse_yaml(run.attrs["config"])
    wanted = points.get(Path(path).parent.name)
    if wanted is None or made["settings"] != wanted:
        raise DatasetError(path, "its settings are not those of the configuration for the point it lies in")
    expected = {axis: as_coordinate(flat(wanted)[axis]) for axis in axes}
    for axis, value in expected.items():
        if axis not in run.coords:
            raise DatasetError(path, f"it does not say where it belongs: the coordinate {axis!r} is missing")
        if (found := run[axis].item()) != value:
            raise DatasetError(path, f"its {axis} is {found}, not the {value} of the point it lies in")
    return tuple(expected.values())


def _over_seeds(blocks: Mapping[str, xr.Dataset], axes: Mapping[str, Any], seeds: int | None) -> xr.Dataset:
    """The blocks of one point in the order of their seeds, which must be 0 to seeds - 1, each once."""
    plain = {}
    for path, block in blocks.items():
        scalar = {name for name, coordinate in block.coords.items() if coordinate.ndim == 0}
        plain[path] = block.drop_vars(scalar - set(axes))
    if seeds is None:
        if len(plain) > 1:
            raise DatasetError(list(plain)[1], "another file is at the same point, and neither has seeds")
        return next(iter(plain.values()))
    ordered = dict(sorted(plain.items(), key=lambda item: int(item[1]["seed"][0])))
    found = [(path, seed) for path, block in ordered.items() for seed in block["seed"].values.tolist()]
    for expected, (path, seed) in enumerate(found):
        if seed >= seeds:
            raise DatasetError(path, f"its seed {seed} is not asked for")
        if seed < expected:
            raise DatasetError(path, f"its seed {seed} is in another file too")
        if seed > expected:
            raise DatasetError(path, f"its seed {seed} comes after a gap from seed {expected} on")
    last, seed = found[-1]
    if seed != seeds - 1:
        raise DatasetError(last, f"it ends with seed {seed}, and {seeds} seeds are asked for")
    return xr.concat(ordered.values(), dim="seed", data_vars="minimal", compat="equals", join="exact", **KEPT)


def _over_axes(datasets: Mapping[Place, xr.Dataset], axes: Mapping[str, Sequence[Any]]) -> xr.Dataset:
    """The datasets of all points, joined along one axis after the other, from the last to the first."""
    labels = [[as_coordinate(value) for value in values] for values in axes.values()]
    joined: dict[Place, xr.Dataset] = {}
    for place in product(*labels):
        if place not in datasets:
            where = ", ".join(f"{axis} = {value}" for axis, value in zip(axes, place, strict=True))
            raise ValueError(f"no run is at {where}")
        joined[place] = datasets[place]
    for axis in reversed(list(axes)):
        parts: dict[Place, list[xr.Dataset]] = {}
        for place, part in joined.items():
            parts.setdefault(place[:-1], []).append(part)
        joined = {
            place: xr.concat(found, dim=axis, data_vars="all", compat="override", join="outer", **KEPT)
            for place, found in parts.items()
        }
    return joined[()]


def _origin_of_all(runs: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Where the runs come from: what they must have in common, and all their commits and seconds."""
    (first_path, first), *others = ((path, run.attrs) for path, run in runs.items())
    for path, attributes in others:
        differing = [name for name, key in ORIGIN.items() if attributes[key] != first[key]]
        if differing:
            raise DatasetError(path, f"its {', '.join(differing)} differs from that of {first_path}")
    return {
        **{name: first[key] for name, key in ORIGIN.items()},
        "runs_git_commit": " ".join(sorted({run.attrs["git_commit"] for run in runs.values()})),
        "runs_git_dirty": max(run.attrs["git_dirty"] for run in runs.values()),
        "wall_seconds": sum(run.attrs["wall_seconds"] for run in runs.values()),
    }
