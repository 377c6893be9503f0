"""Putting the runs of a sweep together."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
import yaml

from gradient_failures.config.base import coordinates
from gradient_failures.config.files import parse_yaml
from gradient_failures.dataset import DatasetError

AXIS_NAMES = {
    "approach": "source of the gradient",
    "tuple_length": "images in a tuple, k",
    "rasterisation": "how coordinates become pixels",
    "training_set": "tuples trained on",
    "initial_scale": "initial scale of the convolutions",
    "dim": "input dimension d",
    "fixed_subset_size": "size |v*| of the subset that decides the label",
    "architecture": "hidden layers, in multiples of d",
    "input_encoding": "encoding of the input bits",
    "n_stocks": "number of stocks k",
    "method": "method",
    "curve_distribution": "distribution of the curves",
    "n_points": "points n of a curve",
}
"""Long name of every axis that a sweep may have."""


def combine(
    runs: Mapping[str, xr.Dataset],
    axes: Mapping[str, Sequence[Any]],
    training: Mapping[str, Any],
    training_axis: str | None = None,
) -> xr.Dataset:
    """One dataset from the seed blocks of every grid point.

    Parameters
    ----------
    runs : datasets by file name, in grid order: seed blocks run fastest, then the last axis.
    axes : the values of each axis of the grid.
    training : the settings that the runs must have been trained with, by the value of ``training_axis``
        if there is one.

    Returns
    -------
    Dataset with the axes as leading dimensions and every step at which some run was evaluated; its
    attributes say what the runs have in common.
    """
    origin = _origin_of_all(runs)
    _check_training(runs, training, training_axis)
    n_points = 1
    for values in axes.values():
        n_points *= len(values)
    level = [
        xr.concat(blocks, dim="seed", join="exact", combine_attrs="override")
        for blocks in _grouped(list(runs.values()), len(runs) // n_points)
    ]
    for axis, values in reversed(list(axes.items())):
        attributes = {"long_name": AXIS_NAMES[axis], "units": "1"}
        coordinate = xr.DataArray(list(values), dims=axis, name=axis, attrs=attributes)
        level = [
            xr.concat(group, dim=coordinate, data_vars="all", join="outer", combine_attrs="override")
            for group in _grouped(level, len(values))
        ]
    (combined,) = level
    combined.attrs = {**origin, "runs_training": yaml.safe_dump(dict(training), sort_keys=False)}
    return combined


def combine_seeds(
    parts: Mapping[str, xr.Dataset], settings: Mapping[str, Any], axis: str | None = None
) -> xr.Dataset:
    """One dataset from the parts of a diagnostic over seeds.

    Parameters
    ----------
    parts : datasets by file name, seeds running fastest.
    settings : what they must have been measured with, but for ``axis``, of which each has one value.
    """
    origin = _origin_of_all(parts)
    for path, part in parts.items():
        made = parse_yaml(part.attrs["config"])["settings"]
        if any(made.get(key) != value for key, value in settings.items() if key != axis):
            raise DatasetError(path, "its settings are not those of the configuration")
    n_values = len(settings[axis]) if axis else 1
    groups = [_joined(group, "seed") for group in _grouped(list(parts.values()), len(parts) // n_values)]
    combined = _joined(groups, axis) if axis else groups[0]
    combined.attrs = origin
    return combined


def _joined(parts: Sequence[xr.Dataset], dim: str) -> xr.Dataset:
    """Parts along ``dim``, equal in all that does not have it."""
    return xr.concat(
        parts, dim=dim, data_vars="minimal", coords="minimal", compat="equals", combine_attrs="override"
    )


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


def _check_training(
    runs: Mapping[str, xr.Dataset], training: Mapping[str, Any], training_axis: str | None
) -> None:
    for path, run in runs.items():
        made = parse_yaml(run.attrs["config"])
        wanted = training[coordinates(made["point"])[training_axis]] if training_axis else training
        if made["training"] != wanted:
            raise DatasetError(path, "its training settings are not those of the configuration")


def _grouped(items: Sequence[xr.Dataset], size: int) -> list[Sequence[xr.Dataset]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
