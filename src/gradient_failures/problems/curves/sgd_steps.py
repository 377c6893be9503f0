"""Steps of SGD on the convolutional problem on curves, with and without preconditioning, by n (§4).

The problem is realisable, so with the second moment A of the windows in a batch a step of size η takes the
error e of the filter to e - 2η A e. A run is a product of such steps, and A a mean over the curves of a
batch. On both problems η is 1/λmax of the Hessian of the training loss.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.curves.conditioning import condition_number, curve_moments, window_moment
from gradient_failures.problems.curves.experiment import draw_curves, inverse_root
from gradient_failures.problems.curves.settings import Approach, SgdStepsSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = SgdStepsSettings

PROBLEMS: tuple[Approach, ...] = ("convolutional", "preconditioned")

SOLUTION = torch.tensor([1.0, -2.0, 1.0], dtype=torch.float64)

STEPS_AT_ONCE = 1000


def run(settings: SgdStepsSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Train every run until its error is at the level, or its steps are used up.

    Returns
    -------
    Dataset: ``steps_needed`` (problem, seed), for a censored run the steps it was given, ``censored``
    (problem, seed), ``predicted_steps`` () and ``steps_over_predicted`` (seed) of the convolutional problem.
    """
    passage = np.array([[first_passage(problem, seed, settings) for seed in seeds] for problem in PROBLEMS])
    steps = np.minimum(passage, settings.max_steps)
    predicted = predicted_steps(settings.n_points, settings.error_level)
    ratio, grid = steps[PROBLEMS.index("convolutional")] / predicted, ("problem", "seed")
    return labelled(
        {
            "steps_needed": (grid, steps, "SGD steps to the error level"),
            "censored": (grid, np.isinf(passage).astype(int), "1: ended above the error level"),
            "predicted_steps": ((), predicted, "steps that κ(C) predicts"),
            "steps_over_predicted": ("seed", ratio, "SGD steps over those predicted"),
        },
        {"problem": (list(PROBLEMS), "problem that SGD is run on"), "seed": (seeds, "seed of the run")},
    )


def predicted_steps(n_points: int, level: float) -> float:
    """κ(C) ln(1/level), as for an error along the smallest eigenvector of C, which κ steps divide by e.

    The solution (1, -2, 1) is close to that eigenvector: curves are smooth, so that they hardly excite it.
    """
    return condition_number(window_moment("figure", n_points)) * math.log(1 / level)


def first_passage(problem: Approach, seed: int, settings: SgdStepsSettings) -> float:
    """Steps of one run until the relative error of the slope changes is at the level; infinite if never."""
    n_points = settings.n_points
    curves = draw_curves("figure", n_points, settings.training_curves, "train", seed=seed).double()
    basis, moments = features(problem, curve_moments(curves))
    moment = (basis @ torch.from_numpy(window_moment("figure", n_points)) @ basis).numpy()
    error = -torch.linalg.solve(basis, SOLUTION).numpy()
    level = settings.error_level**2 * error @ moment @ error
    rng = stream("curve_steps", "batches", n_points=n_points, seed=seed)
    for taken in range(0, settings.max_steps, STEPS_AT_ONCE):
        shape = (min(STEPS_AT_ONCE, settings.max_steps - taken), settings.batch_size)
        path = descent(error, moments, torch.from_numpy(rng.integers(0, len(curves), shape)))
        (passed,) = np.nonzero(np.einsum("ti,ij,tj->t", path, moment, path) <= level)
        if passed.size:
            return float(taken + passed[0] + 1)
        error = path[-1]
    return math.inf


def features(problem: Approach, moments: Tensor) -> tuple[Tensor, Tensor]:
    """The linear map from windows to the inputs of the filter (3, 3), and the moments of these inputs.

    Parameters
    ----------
    moments : second moments of the windows of each training curve (count, 3, 3).
    """
    if problem == "convolutional":
        return torch.eye(3, dtype=torch.float64), moments
    whitening = inverse_root(moments.mean(0))
    return whitening, whitening @ moments @ whitening


def descent(error: np.ndarray, moments: Tensor, batches: Tensor) -> np.ndarray:
    """Errors of the filter after each step of SGD, shape (steps, 3).

    Parameters
    ----------
    error : before the first step (3,).
    moments : second moments of the inputs of each training curve (count, 3, 3).
    batches : indices of training curves (steps, batch).
    """
    largest = torch.linalg.eigvalsh(moments.mean(0))[-1]
    batch_moments = moments.flatten(1).index_select(0, batches.flatten()).view(*batches.shape, 9).mean(1)
    factors = (torch.eye(3) - batch_moments.view(-1, 3, 3) / largest).numpy()
    path = accumulate(factors, lambda current, factor: factor.dot(current), initial=error)
    return np.array(list(path)[1:])
