"""What the report shows of linear-periodic targets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures.claims.text import number

RADII_SHOWN = 3
"""Every so many norms have a column in the table."""


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings, the largest variance by dimension and norm, and how fast it falls."""
    variances = data["linear_periodic"]
    worst, initial = (variances["variance"].sel(weights=name) for name in ("worst", "initial"))
    deviation = np.abs((variances["sampled_variance"] - initial) / variances["sampled_error"])
    radii = variances["radius"].values
    slopes, powers = -variances["joint_log_slope"], variances["power_over_expected"]
    return {
        "settings": config["gradient_variance"]["settings"],
        "pairs": variances["sampled_variance"].size,
        "largest_deviation": float(deviation.max()),
        "radii": [f"r = {number(radius)}" for radius in radii[::RADII_SHOWN]],
        "largest_variances": [
            [str(dim), *map(number, worst.sel(dim=dim).values[::RADII_SHOWN])]
            for dim in variances["dim"].values
        ],
        "smallest_radius": float(radii.min()),
        "largest_dim": int(variances["dim"].max()),
        "fall_at_smallest_radius": -float(variances["log_slope_in_dim"].isel(larger_dim=-1, radius=0)),
        "last_radii": radii[-2:].tolist(),
        "powers": [float(powers.min()), float(powers.max())],
        "falls_together": [float(slopes.min()), float(slopes.max())],
    }
