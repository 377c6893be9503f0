"""What the report says in words and tables about curves and their conditioning."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from gradient_failures.claims.text import interval, number
from gradient_failures.results import statistics

ERRORS = (
    ("Linear, Adam", "curves", "linear"),
    ("Linear, SGD", "curves_linear_sgd", "linear"),
    ("Linear, Adagrad", "curves_linear_adagrad", "linear"),
    ("Convolutional, Adam", "curves", "convolutional"),
    ("Preconditioned, Adam", "curves", "preconditioned"),
    ("Preconditioned, SGD", "curves_preconditioned_sgd", "preconditioned"),
    ("Autoencoder, Adam", "curves", "autoencoder"),
)
"""Name, grid and approach of each row of the table of errors."""

ACCURATE = 0.001
"""Error of a decoded curve that cannot be seen in the figure."""

VISIBLE = 0.01
"""Error of a decoded curve from which on it can be seen."""


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """All that ``section.html.j2`` shows."""
    preconditioned = config["experiment"]["settings_by"]["approach"]["preconditioned"]
    return {
        "settings": config["experiment"]["settings"],
        "seeds": data["curves"].sizes["seed"],
        "snapshots": data["curves"]["snapshot"].values.tolist(),
        "error_headings": error_headings(data["curves"]["snapshot"].values.tolist()),
        "errors": errors(data),
        "learning_rate": preconditioned["optimiser"]["learning_rate"],
        "adam": adam(data),
        "estimates": config["conditioning"]["settings"]["training_curves"],
        "estimate_seeds": data["conditioning"].sizes["seed"],
        "sgd": config["sgd_steps"]["settings"],
        "sgd_seeds": data["sgd_steps"].sizes["seed"],
        "condition_numbers": condition_numbers(data["conditioning"]),
        "sgd_steps": sgd_steps(data["sgd_steps"]),
    }


def error_headings(snapshots: Sequence[int]) -> list[str]:
    """Headings of the table of errors."""
    decoded = [f"Decoded curve, {number(step)} steps" for step in snapshots]
    return ["Method", *decoded, f"Slope changes, {number(snapshots[-1])} steps"]


def errors(data: Mapping[str, xr.Dataset]) -> list[list[str]]:
    """Median relative errors: of the decoded curve at each snapshot, and of the slope changes at the last."""
    rows = []
    for name, grid, approach in ERRORS:
        runs = data[grid].sel(approach=approach)
        decoded = [_median(runs["decode_error"], step) for step in runs["snapshot"].values]
        rows.append([name, *map(number, decoded), number(_median(runs["kink_error"], runs["snapshot"][-1]))])
    return rows


def adam(data: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """How Adam leaves the solution of the preconditioned problem, and where the convolution is by then."""
    snapshots = data["curves"]["snapshot"].values.tolist()
    early, middle = snapshots[0], snapshots[-2:][0]
    error = data["curves"]["decode_error"].sel(approach="preconditioned")
    sgd = data["curves_preconditioned_sgd"]["decode_error"].sel(approach="preconditioned")
    slow = data["curves"]["decode_error"].sel(approach="convolutional", step=middle)
    return {
        "early": early,
        "middle": middle,
        "best": error.median("seed").min().item(),
        "late_percentage": 100 * (error.where(error["step"] > early, drop=True) > ACCURATE).mean().item(),
        "sgd_early": _median(sgd, early),
        "accurate_early": (error.sel(step=early) <= ACCURATE).sum().item(),
        "convolution_visible": (slow > VISIBLE).sum().item(),
        "convolution_least": slow.min().item(),
        "convolution_most": slow.max().item(),
    }


def condition_numbers(data: xr.Dataset) -> list[list[str]]:
    """Condition numbers and iterations of the expected gradient descent by number of points."""
    rows = []
    for n in data["n_points"].values.tolist():
        at = data.sel(n_points=n)
        filters = (at["filter_condition_number"].sel(curve_distribution=name) for name in ("figure", "text"))
        counts = (at["iterations_bound"], at["iterations_needed"].sel(step_size=1.0), *filters)
        linear = f"{at['linear_condition_number'].item():.4g}", f"{at['linear_over_law'].item():.3f}"
        rows.append([str(n), *linear, *(number(count.item()) for count in counts)])
    return rows


def sgd_steps(data: xr.Dataset) -> list[list[str]]:
    """Steps of SGD on both problems, and those predicted for the first, by number of points."""
    rows = []
    for n in data["n_points"].values.tolist():
        at = data.sel(n_points=n)
        convolutional, preconditioned = (
            interval(statistics.mean(at["steps_needed"].sel(problem=problem)))
            for problem in ("convolutional", "preconditioned")
        )
        predicted = number(at["predicted_steps"].item())
        rows.append([str(n), convolutional, predicted, preconditioned, str(at["censored"].sum().item())])
    return rows


def _median(error: xr.DataArray, step: Any) -> float:
    return float(error.sel(step=step).median())
