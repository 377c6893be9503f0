"""What the section shows."""

from collections.abc import Mapping
from typing import Any

import xarray as xr


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The largest final error, and how many throws a step sees."""
    error = data["coin"]["error"].isel(step=-1)
    return {"worst": float(error.max()), "batch": config["experiment"]["settings"]["batch_size"]}
