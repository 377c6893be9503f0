"""What the report says in words about the graphical summary."""

from collections.abc import Mapping
from typing import Any

import xarray as xr


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """All that ``section.html.j2`` shows."""
    eigenvalues = data["loss_surfaces"]["eigenvalue"].values
    return {
        "settings": config["loss_surfaces"]["settings"],
        "curvature_ratio": float(eigenvalues[-1] / eigenvalues[0]),
    }
