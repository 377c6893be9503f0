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
    errors = final["non_flat_approximation"]["normalised_rms_error"]
    return {
        "seeds": runs.sizes["seed"],
        "samples": runs.sizes["sample"],
        "level": level,
        "fails": int((~(errors <= level)).sum()),
        "approaches": [
            [approach.replace("_", " "), *_approach(end, _hidden_widths(config, approach))]
            for approach, end in final.items()
        ],
    }


def _approach(end: xr.Dataset, hidden_widths: list[int]) -> list[str]:
    """Steps, hidden units, error, share within 1 % and cost in millions, of runs at their last step."""
    return [
        number(end["step"].item()),
        "-".join(map(str, hidden_widths)) or "none",
        interval(statistics.mean(end["normalised_rms_error"])),
        interval(statistics.mean(end["share_within_1_percent"])),
        number(end["training_cost"].max().item() / 1e6),
    ]


def _hidden_widths(config: Mapping[str, Any], approach: str) -> list[int]:
    settings = {**config["settings"], **config["settings_by"]["approach"][approach]}
    widths: list[int] = settings["hidden_widths"]
    return widths


def _forward_only(runs: xr.Dataset) -> dict[str, Any]:
    """Sizes, one row for each L, and the updates that the median run takes to two errors, for each L."""
    lipschitz = runs["lipschitz"].values.tolist()
    median = runs["error"].sel(step_size=1.0).median("seed")
    return {
        "lipschitz": [number(value) for value in lipschitz],
        "seeds": runs.sizes["seed"],
        "constants": [[number(value), *_constant(runs.sel(lipschitz=value))] for value in lipschitz],
        "updates_to": {
            level: [updates_to(error, level) for error in median.transpose("lipschitz", "iteration")]
            for level in (0.1, 0.01)
        },
    }


def _constant(runs: xr.Dataset) -> list[str]:
    """Error and guarantee at the end, and the largest values of what the theorem bounds."""
    increases = runs["distance_increase"].max("seed")
    return [
        interval(statistics.mean(runs["error"].sel(step_size=1.0).isel(iteration=-1))),
        interval(statistics.mean(runs["guarantee"].isel(iteration=-1))),
        number(runs["error_over_guarantee"].max().item()),
        *(number(increases.sel(step_size=size).item()) for size in (1.0, 2.0)),
    ]


def updates_to(error: xr.DataArray, level: float) -> float:
    """First recorded iteration at which ``error`` (iteration,) is at most ``level``; infinite if never."""
    return float(error["iteration"].where(error <= level).min().fillna(np.inf))
