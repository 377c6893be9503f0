"""What the report shows of flat activations and of the forward-only update."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures.claims.text import interval, number
from gradient_failures.results import statistics
from gradient_failures.results.runs import completed


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """What each of the two sections shows, by its anchor."""
    level = results["flat-activations-approximation-fails"]["claim"]["options"]["level"]
    return {
        "flat_activations": _flat_activations(data["flat_activations"], config["experiment"], level),
        "forward_only": {
            "settings": config["forward_only"]["settings"],
            **_forward_only(data["forward_only"]),
        },
    }


def _flat_activations(runs: xr.Dataset, config: Mapping[str, Any], level: float) -> dict[str, Any]:
    """Sizes, one row for each approach, and how many runs of the approximation end above ``level``."""
    final = {
        approach: completed(runs.sel(approach=approach)).isel(step=-1)
        for approach in runs["approach"].values.tolist()
    }
    rows = []
    for approach, end in final.items():
        settings = {**config["settings"], **config["settings_by"]["approach"][approach]}
        row = [
            approach.replace("_", " "),
            number(end["step"].item()),
            "-".join(map(str, settings["hidden_widths"])) or "none",
            interval(statistics.mean(end["normalised_rms_error"])),
            interval(statistics.mean(end["share_within_1_percent"])),
            number(end["training_cost"].max().item() / 1e6),
        ]
        rows.append(row)
    return {
        "seeds": runs.sizes["seed"],
        "samples": runs.sizes["sample"],
        "level": level,
        "fails": int((~(final["non_flat_approximation"]["normalised_rms_error"] <= level)).sum()),
        "approaches": rows,
    }


def _forward_only(runs: xr.Dataset) -> dict[str, Any]:
    """Sizes, one row for each L, and the updates that the median run takes to two errors, for each L."""
    lipschitz = runs["lipschitz"].values.tolist()
    errors = runs["error"].sel(step_size=1.0)
    iteration, median = errors["iteration"], errors.median("seed")
    rows = []
    for value in lipschitz:
        at, error = runs.sel(lipschitz=value), errors.sel(lipschitz=value)
        increases = at["distance_increase"].max("seed")
        row = [
            number(value),
            interval(statistics.mean(error.isel(iteration=-1))),
            interval(statistics.mean(at["guarantee"].isel(iteration=-1))),
            number(at["error_over_guarantee"].max().item()),
            *(number(increases.sel(step_size=size).item()) for size in (1.0, 2.0)),
        ]
        rows.append(row)
    return {
        "lipschitz": [number(value) for value in lipschitz],
        "seeds": runs.sizes["seed"],
        "constants": rows,
        "updates_to": {
            level: iteration.where(median <= level).min("iteration").fillna(np.inf).values.tolist()
            for level in (0.1, 0.01)
        },
    }
