"""Conditioning of the problems on curves (§4): condition numbers, lower bound and SGD steps by n."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradient_failures.results import plotting
from gradient_failures.results.plotting import THEORY

LINEAR: dict[str, Any] = {"color": plotting.VERMILION, "marker": "o"}
CONVOLUTIONAL: dict[str, Any] = {"color": plotting.BLUE, "marker": "s"}
PRECONDITIONED: dict[str, Any] = {"color": plotting.GREEN, "marker": "^"}
DISTRIBUTIONS: dict[str, dict[str, Any]] = {"figure": {}, "text": {"markerfacecolor": "white"}}
"""What tells the curves of the figure from those of the text."""

BOUND: dict[str, Any] = {**THEORY, "linestyle": (0, (1, 1.5))}


def draw(conditioning: xr.Dataset, sgd_steps: xr.Dataset) -> Figure:
    """Condition numbers with their exponents, what preconditioning leaves, and iterations against n."""
    figure, panels = plotting.panels(7.4, 3, 2)
    linear, convolutional, growth, preconditioned, descent, sgd = panels.flat
    _draw_linear(linear, conditioning)
    _draw_filter(convolutional, conditioning)
    _draw_exponents(growth, conditioning)
    _draw_preconditioned(preconditioned, conditioning)
    _draw_descent(descent, conditioning)
    _draw_steps(sgd, sgd_steps)
    for axes in (linear, convolutional, growth, descent):
        plotting.mark_values(axes, conditioning["n_points"], "log")
    plotting.mark_values(sgd, sgd_steps["n_points"], "log")
    for letter, axes in zip("abcdef", panels.flat, strict=True):
        axes.set_title(f"{letter}  {axes.get_title('left')}")
    return figure


def _draw_linear(axes: Axes, data: xr.Dataset) -> None:
    n, condition = data["n_points"], data["linear_condition_number"]
    axes.plot(n, condition / data["linear_over_law"], label="law (4/β²)² n⁴", **THEORY)
    axes.plot(n, condition[0] * (n / n[0]) ** 3.5, label="n$^{3.5}$, the paper's bound", **BOUND)
    axes.plot(n, condition, linestyle="none", label="κ(WᵀW)", **LINEAR)
    plotting.describe(axes, "Linear problem", y="condition number", legend="upper left", yscale="log")


def _draw_filter(axes: Axes, data: xr.Dataset) -> None:
    n = data["n_points"]
    for name, style in DISTRIBUTIONS.items():
        condition = data["filter_condition_number"].sel(curve_distribution=name)
        axes.plot(n, condition, label=f"κ(C), curves of the {name}", **CONVOLUTIONAL, **style)
    axes.plot(n, condition[0] / 100 * (n / n[0]) ** 3, label="slope of n³", **THEORY)
    left = data["preconditioned_condition_number"].isel(training_curves=-1).sel(curve_distribution="figure")
    axes.plot(n, left.mean("seed"), label="after preconditioning", **PRECONDITIONED)
    scale: dict[str, Any] = {"yscale": "log", "ylim": (None, 1e13)}
    plotting.describe(axes, "Convolutional problem", y="condition number", legend="upper left", **scale)


def _draw_exponents(axes: Axes, data: xr.Dataset) -> None:
    """Exponents between neighbouring n, at their geometric mean, with the three growth laws."""
    n = data["n_points"].values
    series = [("κ(WᵀW)", data["linear_condition_number"], LINEAR)]
    for name, style in DISTRIBUTIONS.items():
        condition = data["filter_condition_number"].sel(curve_distribution=name)
        series.append((f"κ(C), {name}", condition, CONVOLUTIONAL | style))
    for label, condition, style in series:
        exponents = np.diff(np.log(condition)) / np.diff(np.log(n))
        axes.plot(np.sqrt(n[1:] * n[:-1]), exponents, label=label, **style)
    for law, style in ((3.5, BOUND), (3, THEORY), (4, THEORY)):
        axes.axhline(law, zorder=0, **style)
    plotting.describe(axes, "Growth with n", y="exponent between neighbouring n", ylim=(2.7, 4.7))
    axes.legend(loc="upper right", ncols=3, columnspacing=1, handletextpad=0.4)


def _draw_preconditioned(axes: Axes, data: xr.Dataset) -> None:
    """κ - 1 at the n nearest to that of the paper against the curves of the estimate."""
    left = data["preconditioned_condition_number"].sel(n_points=100, method="nearest") - 1
    curves = data["training_curves"]
    for name, style in DISTRIBUTIONS.items():
        runs = left.sel(curve_distribution=name)
        _draw_runs(axes, curves, runs, label=f"curves of the {name}", **PRECONDITIONED, **style)
    last = left.isel(training_curves=-1).median()
    axes.plot(curves, last * (curves[-1] / curves) ** 0.5, label="1/√m", zorder=0, **THEORY)
    title, x = f"Preconditioned, n = {int(left['n_points'])}", "curves m that C is estimated from"
    y, scales = "condition number less 1", {"xscale": "log", "yscale": "log"}
    plotting.describe(axes, title, x, y, "upper right", **scales)


def _draw_descent(axes: Axes, data: xr.Dataset) -> None:
    n, bound = data["n_points"], data["iterations_bound"]
    for size, style in zip(data["step_size"].values, DISTRIBUTIONS.values(), strict=True):
        needed = data["iterations_needed"].sel(step_size=size)
        axes.plot(n, needed, linestyle="none", label=f"needed, step {size:g}/λmax", **LINEAR, **style)
    axes.plot(n, bound, label="lower bound κ/2 - 1", **BOUND)
    axes.fill_between(n, bound, bound[0] / 10, color="0.92", zorder=0)
    title, y = "Gradient descent, linear problem", "iterations to ‖E[U] - W⁻¹‖ ≤ 1/2"
    limits = (float(bound[0]) / 3, None)
    plotting.describe(axes, title, y=y, legend="upper left", yscale="log", ylim=limits)


def _draw_steps(axes: Axes, steps: xr.Dataset) -> None:
    n = steps["n_points"]
    axes.plot(n, steps["predicted_steps"], label="κ(C) ln(1/level)", **THEORY)
    for problem, style in (("convolutional", CONVOLUTIONAL), ("preconditioned", PRECONDITIONED)):
        runs = steps.sel(problem=problem)
        _draw_runs(axes, n, runs["steps_needed"], label=problem, linestyle="none", **style)
        given_up = runs["steps_needed"].where(runs["censored"] == 1)
        if given_up.notnull().any():
            axes.plot(n, given_up.max("seed"), "k^", markersize=6, fillstyle="none", label="some given up")
    limits = (None, 1e3 * float(steps["predicted_steps"].max()))
    plotting.describe(axes, "SGD", None, steps["steps_needed"], "upper left", yscale="log", ylim=limits)


def _draw_runs(axes: Axes, x: xr.DataArray, runs: xr.DataArray, label: str, **style: Any) -> None:
    """Every run of ``runs`` (x, seed) small, their median with ``style``."""
    small = {**style, "linestyle": "none", "markersize": 2.5, "alpha": 0.5}
    axes.plot(x, runs.transpose(x.name, "seed"), **small)
    axes.plot(x, runs.median("seed"), label=label, **style)
