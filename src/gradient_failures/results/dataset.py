"""The data contract: every result is a self-describing netCDF4 file that is complete or refused.

A file is complete when it carries ``complete = 1``, every dimension has a coordinate, every variable
a ``long_name`` and ``units``, and every value is finite, unless its run is flagged as diverged or had
ended before that step, or its curves before that point.
"""

import os
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures.config.base import Settings, as_coordinate, flat, long_name
from gradient_failures.provenance.files import atomic
from gradient_failures.results.runs import DIVERGED, ENDS

CONVENTIONS = "CF-1.11"


class DatasetError(ValueError):
    """A file that breaks the contract. The message names it, what is wrong, and how to rebuild it."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(
            f"{path}: {reason}. Rebuild it with: rm -f {path} && snakemake --cores all {path}"
            " (and the --configfile of its run, if it had one)"
        )


def write(dataset: xr.Dataset, path: str | os.PathLike[str], attributes: Mapping[str, Any]) -> None:
    """Write ``dataset`` to ``path`` with its global ``attributes``, atomically, and read it back."""
    result = dataset.assign_attrs({"Conventions": CONVENTIONS, **attributes, "complete": 1})
    if problem := _violation(result):
        raise ValueError(f"refusing to write {path}: {problem}")
    compressed = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
    encoding = {
        name: compressed
        for name, variable in result.variables.items()
        if variable.ndim > 0 and variable.dtype.kind in "iuf"
    }
    with atomic(path) as temporary:
        try:
            result.to_netcdf(temporary, engine="netcdf4", format="NETCDF4", encoding=encoding)
        except RuntimeError:
            _raise_what_the_system_says(temporary)
            raise
        xr.testing.assert_identical(read(temporary), result)


def read(path: str | os.PathLike[str], variables: Mapping[str, Iterable[str]] | None = None) -> xr.Dataset:
    """Read a result into memory; :class:`DatasetError` if it breaks the contract.

    Parameters
    ----------
    variables : the variables the caller needs, with their dimensions in order.
    """
    if not Path(path).exists():
        raise DatasetError(path, "the file is missing")
    try:
        dataset = xr.load_dataset(path, engine="netcdf4").drop_encoding()
    except (OSError, RuntimeError, ValueError) as error:
        raise DatasetError(path, f"not readable as netCDF4, truncated or damaged ({error})") from error
    if problem := _violation(dataset):
        raise DatasetError(path, problem)
    for name, dims in (variables or {}).items():
        if name not in dataset:
            raise DatasetError(path, f"the variable {name!r} is missing")
        if dataset[name].dims != tuple(dims):
            raise DatasetError(path, f"{name!r} has dimensions {dataset[name].dims}, not {tuple(dims)}")
    return dataset


def dimensionless(long_name: str) -> dict[str, str]:
    """Attributes of a variable without units."""
    return {"long_name": long_name, "units": "1"}


def labelled(
    variables: Mapping[str, tuple[Any, Any, str]], coordinates: Mapping[str, tuple[Any, str]]
) -> xr.Dataset:
    """Dataset of variables without units.

    Parameters
    ----------
    variables : dimensions, values and long name by name.
    coordinates : values and long name by dimension.
    """
    return xr.Dataset(
        {name: (dims, values, dimensionless(text)) for name, (dims, values, text) in variables.items()},
        coords={name: (name, values, dimensionless(text)) for name, (values, text) in coordinates.items()},
    )


def located(result: xr.Dataset, settings: Settings) -> xr.Dataset:
    """``result`` with every setting behind it as a scalar coordinate, but for names that it has itself."""
    return result.assign_coords(
        {
            name: ((), as_coordinate(value), dimensionless(long_name(settings, name)))
            for name, value in flat(settings.model_dump()).items()
            if value is not None and name not in result.variables
        }
    )


def _violation(dataset: xr.Dataset) -> str | None:
    """What in ``dataset`` breaks the contract, or None."""
    if dataset.attrs.get("complete") != 1:
        return "it is not marked complete"
    for dim in dataset.dims:
        if dim not in dataset.coords:
            return f"the dimension {dim!r} has no coordinate"
        if dataset.get_index(dim).hasnans:
            return f"the coordinate {dim!r} has missing values"
    for name, variable in dataset.variables.items():
        for attribute in ("long_name", "units"):
            if attribute not in variable.attrs:
                return f"the variable {name!r} has no {attribute}"
    for name in dataset.data_vars:
        if not _finite_or_flagged(name, dataset):
            return f"the variable {name!r} has values that are not finite in runs neither diverged nor ended"
    return None


def _finite_or_flagged(name: Hashable, dataset: xr.Dataset) -> bool:
    values = dataset.variables[name]
    if name == DIVERGED or values.dtype.kind not in "fc" or np.isfinite(values.values).all():
        return True
    bad = ~np.isfinite(dataset[name])
    if DIVERGED in dataset and set(dataset[DIVERGED].dims) <= set(values.dims):
        bad = bad & dataset[DIVERGED].isnull()
    for dim, end in ENDS.items():
        if end in dataset and {dim, *dataset[end].dims} <= set(values.dims):
            bad = bad & (dataset[dim] <= dataset[end])
    return not bool(bad.any())


def _raise_what_the_system_says(path: Path) -> None:
    """OSError if the disk is full, or a quota reached: the netCDF library says no more than "HDF error"."""
    with path.open("ab") as file:
        file.write(bytes(2**20))
