"""The forward-only update (§5 extended): distance and error against updates, with the guarantee."""

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from gradient_failures.results import plotting

GUARANTEE: dict[str, Any] = {"linewidth": 1, "linestyle": (0, (3, 1.5))}

SMALLEST = 1e-4
"""Runs with smaller errors and distances have arrived; the axes end here."""


def draw(forward_only: xr.Dataset) -> Figure:
    """The staircases, and distance and error of every run against updates, one colour for each L.

    Parameters
    ----------
    forward_only : ``activation`` (lipschitz, r), ``distance`` and ``error`` (seed, lipschitz, step_size,
        iteration), ``guarantee`` (seed, lipschitz, iteration).
    """
    figure, (activations, distances, errors) = plotting.panels(2.8, 1, 3)
    runs = forward_only.sel(step_size=1.0).rename(iteration="step")
    runs = runs.assign_coords(step=runs["step"] + 1)
    for lipschitz, color in plotting.colors(runs["lipschitz"]).items():
        run, label = runs.sel(lipschitz=lipschitz), f"L = {lipschitz:g}"
        activations.plot(run["r"], run["activation"], color=color, linewidth=1.1, label=label)
        plotting.draw_runs(distances, run["distance"], color, label)
        plotting.draw_runs(errors, run["error"], color, label)
        errors.plot(run["step"], run["guarantee"].mean("seed"), color=color, **GUARANTEE)
    plotting.describe(activations, "Activation", "r", "u(r)", legend="upper left")
    errors.plot([], [], color="0.3", label="bound on the best so far", **GUARANTEE)
    errors.legend(handles=errors.lines[-1:], loc="upper right")
    for axes, name in ((distances, "distance"), (errors, "error")):
        scales = {"xscale": "log", "yscale": "log", "ylim": (SMALLEST, None)}
        plotting.describe(axes, name.capitalize(), "updates + 1", runs[name], **scales)
    return figure
