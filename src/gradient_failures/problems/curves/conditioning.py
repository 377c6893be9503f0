"""Condition numbers of the problems on curves by number of points, without training (§4).

Gradient descent on the linear problem is governed by κ(WᵀW), on the convolutional one by κ(C), where
C = E[w wᵀ] is the second moment of the windows w = (f(t - 2), f(t - 1), f(t)). Both are exact here: κ(WᵀW)
comes from the second difference W⁻¹, whose entries are small integers, and C from a sum over all places of
the kinks.
"""

from collections.abc import Sequence
from math import comb
from typing import get_args

import numpy as np
import torch
import xarray as xr
from scipy.linalg import eigvalsh, svdvals
from torch import Tensor
from torch.nn.functional import pad

from gradient_failures.problems.curves.experiment import (
    KINKS,
    MARGIN,
    SLOPES,
    curves_of,
    draw_kinks,
    kinks_of,
    windows,
)
from gradient_failures.problems.curves.settings import ConditioningSettings, CurveDistribution
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = ConditioningSettings

DISTRIBUTIONS: tuple[CurveDistribution, ...] = get_args(CurveDistribution)

BETA = 1.8751040687119611
"""First root of cos β cosh β = -1: the double integral on [0, 1] has the largest singular value 1/β²."""

STEP_SIZES = (1.0, 2.0)
"""Step sizes of gradient descent times the largest eigenvalue of the Hessian; above 2 it diverges."""

DISTANCE = 0.5
"""Spectral distance of E[U] to W⁻¹ that the lower bound of the paper is about."""


def run(
    settings: ConditioningSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Condition numbers before and after preconditioning, and iterations of gradient descent.

    Returns
    -------
    Dataset in float64: ``linear_condition_number``, ``linear_over_law`` and ``iterations_bound`` (n_points),
    ``iterations_needed`` and ``bound_over_needed`` (step_size, n_points), ``filter_condition_number``
    (curve_distribution, n_points), ``preconditioned_condition_number`` (curve_distribution, n_points, seed,
    training_curves).
    """
    sizes, counts = settings.n_points, settings.training_curves
    spectra = [singular_values(n) for n in sizes]
    condition = np.array([(values[0] / values[-1]) ** 2 for values in spectra])
    law = (4 * np.square(sizes) / BETA**2) ** 2
    bound = condition / 2 - 1
    needed = np.array([[iterations_needed(values, size) for values in spectra] for size in STEP_SIZES])
    before = [[condition_number(window_moment(name, n)) for n in sizes] for name in DISTRIBUTIONS]
    after = [[[preconditioned(name, n, s, counts) for s in seeds] for n in sizes] for name in DISTRIBUTIONS]

    linear, steps, kinds = "n_points", ("step_size", "n_points"), ("curve_distribution", "n_points")
    return labelled(
        {
            "linear_condition_number": (linear, condition, "condition number of WᵀW"),
            "linear_over_law": (linear, condition / law, "condition number of WᵀW over (4/β²)² n⁴"),
            "iterations_bound": (linear, bound, "lower bound on the iterations"),
            "iterations_needed": (steps, needed, "iterations until ‖E[U] - W⁻¹‖ ≤ 1/2"),
            "bound_over_needed": (steps, bound / needed, "lower bound over iterations needed"),
            "filter_condition_number": (kinds, before, "condition number of the second moment C of windows"),
            "preconditioned_condition_number": (
                (*kinds, "seed", "training_curves"),
                after,
                "condition number after preconditioning by an estimate of C",
            ),
        },
        {
            "n_points": (sizes, "points n of a curve"),
            "step_size": (list(STEP_SIZES), "step size times λmax of the Hessian"),
            "curve_distribution": (list(DISTRIBUTIONS), "distribution of the curves"),
            "seed": (seeds, "seed of the curves"),
            "training_curves": (counts, "curves that C is estimated from"),
        },
    )


def singular_values(n_points: int) -> np.ndarray:
    """Singular values of W, shape (n,), largest first: the inverses of those of the second difference."""
    inverse = kinks_of(torch.eye(n_points, dtype=torch.float64)).numpy()
    return np.asarray(1 / svdvals(inverse)[::-1])


def iterations_needed(singular_values: np.ndarray, step_size: float) -> int:
    """First iteration of gradient descent from U = 0 at which ‖E[U] - W⁻¹‖ ≤ 1/2 in the spectral norm.

    With E[f fᵀ] ∝ W Wᵀ, as for independent slope changes of mean 0, the error of singular value S starts at
    1/S and is multiplied by 1 - step_size·(S/S₁)² in every iteration; only those with S < 2 start above 1/2.

    Parameters
    ----------
    singular_values : of W, largest first, with S₁ > 2√2.
    step_size : times the largest eigenvalue of the Hessian, at most 2.
    """
    largest, small = singular_values[0], singular_values[singular_values < 1 / DISTANCE]
    iterations = np.log(DISTANCE * small) / np.log1p(-step_size * (small / largest) ** 2)
    return int(np.ceil(iterations.max()))


def kink_moment(distribution: CurveDistribution, n_points: int) -> Tensor:
    """E[p pᵀ] of the slope changes of random curves, shape (n, n).

    "text": independent of mean 0, three of n with variance 1/3. "figure": with N points free for the kinks,
    the chance that the first three order statistics of a sample lie at given points is the number of places
    left for the others over (N choose 3).
    """
    if distribution == "text":
        return torch.eye(n_points, dtype=torch.float64) / n_points
    changes = np.diff(SLOPES, axis=1, prepend=0)
    product = changes.T @ changes / len(changes)
    before = np.arange(n_points - 2 * MARGIN)
    after, column = before[::-1], before[:, np.newaxis]
    between = before - column - 1
    pairs = np.triu(product[0, 1] * after + product[1, 2] * column + product[0, 2] * between, 1)
    single = (
        product[0, 0] * after * (after - 1) / 2
        + product[1, 1] * before * after
        + product[2, 2] * before * (before - 1) / 2
    )
    inner = (np.diag(single) + pairs + pairs.T) / comb(len(before), KINKS)
    return torch.from_numpy(np.pad(inner, MARGIN))


def window_moment(distribution: CurveDistribution, n_points: int) -> np.ndarray:
    """C = E[w wᵀ] of the windows w at all points of random curves, exact, shape (3, 3)."""
    curve_moment = curves_of(curves_of(kink_moment(distribution, n_points)).t())
    padded = pad(curve_moment, (2, 0, 2, 0)).numpy()
    sums = [[padded[a:, b:][:n_points, :n_points].trace() for b in range(3)] for a in range(3)]
    return np.array(sums) / n_points


def condition_number(moment: np.ndarray, preconditioner: np.ndarray | None = None) -> float:
    """κ of a positive definite matrix C, or of M^(-1/2) C M^(-1/2) for a preconditioner M."""
    values = eigvalsh(moment, preconditioner)
    return float(values[-1] / values[0])


def preconditioned(
    distribution: CurveDistribution, n_points: int, seed: int, training_curves: Sequence[int]
) -> list[float]:
    """κ of C after preconditioning by the second moment of the first m of random curves, for each m."""
    rng = stream("conditioning", "curves", curve_distribution=distribution, n_points=n_points, seed=seed)
    curves = curves_of(draw_kinks(distribution, n_points, max(training_curves), rng))
    sums, moment = curve_moments(curves).cumsum(0).numpy(), window_moment(distribution, n_points)
    return [condition_number(moment, sums[count - 1] / count) for count in training_curves]


def curve_moments(curves: Tensor) -> Tensor:
    """Second moment of the windows of each of ``curves`` (count, n), shape (count, 3, 3)."""
    rows = windows(curves).transpose(1, 2).contiguous()
    return rows @ rows.transpose(1, 2) / curves.shape[1]
