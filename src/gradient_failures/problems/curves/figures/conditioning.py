"""Conditioning of the problems on curves (§4): condition numbers, lower bound and SGD steps by n."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting

LINEAR: dict[str, Any] = {"color": plotting.VERMILION, "marker": "o", "markersize": 4}
CONVOLUTIONAL: dict[str, Any] = {"color": plotting.BLUE, "marker": "s", "markersize": 4}
PRECONDITIONED: dict[str, Any] = {"color": plotting.GREEN, "marker": "^", "markersize": 4}
HOLLOW: dict[str, Any] = {"markerfacecolor": "white"}
DISTRIBUTIONS: dict[str, dict[str, Any]] = {"figure": {}, "text": HOLLOW}
"""What tells the curves of the figure from those of the text."""

THEORY: dict[str, Any] = {"color": plotting.BLACK, "linewidth": 0.9}
BOUND: dict[str, Any] = {**THEORY, "linestyle": (0, (1, 1.5))}


def draw(conditioning: xr.Dataset, sgd_steps: xr.Dataset) -> Figure:
    """Condition numbers with their exponents, what preconditioning leaves, and iterations against n."""
    figure = Figure(figsize=(7.2, 7.4))
    panels = figure.subplots(3, 2)
    _draw_linear(panels[0, 0], conditioning)
    _draw_filter(panels[0, 1], conditioning)
    _draw_exponents(panels[1, 0], conditioning)
    _draw_preconditioned(panels[1, 1], conditioning)
    _draw_descent(panels[2, 0], conditioning)
    _draw_steps(panels[2, 1], sgd_steps)
    for axes in [*panels[0], panels[1, 0], panels[2, 0]]:
        _set_points(axes, conditioning["n_points"])
    _set_points(panels[2, 1], sgd_steps["n_points"])
    for letter, axes in zip("abcdef", panels.flat, strict=True):
        axes.set_title(f"{letter}  {axes.get_title('left')}")
    return figure


def _draw_linear(axes: Axes, data: xr.Dataset) -> None:
    n, condition = data["n_points"], data["linear_condition_number"]
    axes.plot(n, condition / data["linear_over_law"], label="law (4/β²)² n⁴", **THEORY)
    axes.plot(n, condition[0] * (n / n[0]) ** 3.5, label="n$^{3.5}$, the paper's bound", **BOUND)
    axes.plot(n, condition, linestyle="none", label="κ(WᵀW)", **LINEAR)
    axes.set_yscale("log")
    axes.set_ylabel("condition number")
    axes.set_title("Linear problem")
    axes.legend(loc="upper left")


def _draw_filter(axes: Axes, data: xr.Dataset) -> None:
    n = data["n_points"]
    for name, style in DISTRIBUTIONS.items():
        condition = data["filter_condition_number"].sel(curve_distribution=name)
        axes.plot(n, condition, label=f"κ(C), curves of the {name}", **CONVOLUTIONAL, **style)
    axes.plot(n, condition[0] / 100 * (n / n[0]) ** 3, label="slope of n³", **THEORY)
    left = data["preconditioned_condition_number"].isel(training_curves=-1)
    axes.plot(
        n,
        left.sel(curve_distribution="figure").mean("seed"),
        label="after preconditioning",
        **PRECONDITIONED,
    )
    axes.set_yscale("log")
    axes.set_ylim(top=1e13)
    axes.set_ylabel("condition number")
    axes.set_title("Convolutional problem")
    axes.legend(loc="upper left")


def _draw_exponents(axes: Axes, data: xr.Dataset) -> None:
    """Exponents between neighbouring n, at their geometric mean, with the three growth laws."""
    _draw_exponent(axes, data["linear_condition_number"], label="κ(WᵀW)", **LINEAR)
    for name, style in DISTRIBUTIONS.items():
        condition = data["filter_condition_number"].sel(curve_distribution=name)
        _draw_exponent(axes, condition, label=f"κ(C), {name}", **CONVOLUTIONAL, **style)
    axes.axhline(3.5, **BOUND)
    for limit in (3, 4):
        axes.axhline(limit, zorder=0, **THEORY)
    axes.set_ylim(2.7, 4.7)
    axes.set_ylabel("exponent between neighbouring n")
    axes.set_title("Growth with n")
    axes.legend(loc="upper right", ncols=3, columnspacing=1, handletextpad=0.4)


def _draw_exponent(axes: Axes, condition: xr.DataArray, **style: Any) -> None:
    n = condition["n_points"].values
    axes.plot(np.sqrt(n[1:] * n[:-1]), np.diff(np.log(condition)) / np.diff(np.log(n)), **style)


def _draw_preconditioned(axes: Axes, data: xr.Dataset) -> None:
    """κ - 1 at the n nearest to that of the paper against the curves of the estimate."""
    left = data["preconditioned_condition_number"].sel(n_points=100, method="nearest") - 1
    curves = data["training_curves"]
    for name, style in DISTRIBUTIONS.items():
        runs = left.sel(curve_distribution=name)
        _draw_runs(axes, curves, runs, label=f"curves of the {name}", **PRECONDITIONED, **style)
    last = left.isel(training_curves=-1).median()
    axes.plot(curves, last * (curves[-1] / curves) ** 0.5, label="1/√m", zorder=0, **THEORY)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("curves m that C is estimated from")
    axes.set_ylabel("condition number less 1")
    axes.set_title(f"Preconditioned, n = {int(left['n_points'])}")
    axes.legend(loc="upper right")


def _draw_descent(axes: Axes, data: xr.Dataset) -> None:
    n, bound = data["n_points"], data["iterations_bound"]
    for size, style in zip(data["step_size"].values, DISTRIBUTIONS.values(), strict=True):
        needed = data["iterations_needed"].sel(step_size=size)
        axes.plot(n, needed, linestyle="none", label=f"needed, step {size:g}/λmax", **LINEAR, **style)
    axes.plot(n, bound, label="lower bound κ/2 - 1", **BOUND)
    axes.fill_between(n, bound, bound[0] / 10, color="0.92", zorder=0)
    axes.set_yscale("log")
    axes.set_ylim(float(bound[0]) / 3, None)
    axes.set_ylabel("iterations to ‖E[U] - W⁻¹‖ ≤ 1/2")
    axes.set_title("Gradient descent, linear problem")
    axes.legend(loc="upper left")


def _draw_steps(axes: Axes, steps: xr.Dataset) -> None:
    n = steps["n_points"]
    axes.plot(n, steps["predicted_steps"], label="κ(C) ln(1/level)", **THEORY)
    for problem, style in (("convolutional", CONVOLUTIONAL), ("preconditioned", PRECONDITIONED)):
        runs = steps.sel(problem=problem)
        _draw_runs(axes, n, runs["steps_needed"], label=problem, linestyle="none", **style)
        given_up = runs["steps_needed"].where(runs["censored"] == 1)
        if given_up.notnull().any():
            axes.plot(n, given_up.max("seed"), "k^", markersize=6, fillstyle="none", label="some given up")
    axes.set_yscale("log")
    axes.set_ylabel(plotting.axis_label(steps["steps_needed"]))
    axes.set_ylim(top=1e3 * float(steps["predicted_steps"].max()))
    axes.set_title("SGD")
    axes.legend(loc="upper left")


def _draw_runs(axes: Axes, x: xr.DataArray, runs: xr.DataArray, label: str, **style: Any) -> None:
    """Every run of ``runs`` (x, seed) small, their median with ``style``."""
    small = {**style, "linestyle": "none", "markersize": 2.5, "alpha": 0.5}
    axes.plot(x, runs.transpose(x.name, "seed"), **small)
    axes.plot(x, runs.median("seed"), label=label, **style)


def _set_points(axes: Axes, n_points: xr.DataArray) -> None:
    axes.set_xscale("log")
    axes.set_xticks(n_points.values, [str(n) for n in n_points.values])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(plotting.axis_label(n_points))
