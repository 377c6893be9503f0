"""Attributes that the data contract asks of every variable and coordinate."""

from collections.abc import Mapping
from typing import Any

import xarray as xr


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
