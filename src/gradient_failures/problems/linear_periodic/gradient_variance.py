"""Linear-periodic targets h(x) = cos⟨v, x⟩ under Gaussian inputs: theorem 2 with nothing left open.

The predictor is cos⟨w, x⟩ with the squared loss E(p - h)², without the factor 1/2, as in the slides. From
E cos⟨a, x⟩ = exp(-‖a‖²/2) follow

    F_v(w) = (1 + e^(-2‖w‖²))/2 + (1 + e^(-2‖v‖²))/2 - e^(-‖w-v‖²/2) - e^(-‖w+v‖²/2),
    ∇F_v(w) = -2 w e^(-2‖w‖²) + (w - v) e^(-‖w-v‖²/2) + (w + v) e^(-‖w+v‖²/2).

For v uniform on the sphere of radius r, the variance of ∇F_v(w) depends on w only through its norm, and is an
average over the angle between them. Theorem 2 bounds it, at every w, by O(exp(-Ω(d)) + exp(-Ω(r))).
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from gradient_failures.problems.linear_periodic.settings import GradientVarianceSettings
from gradient_failures.problems.quadrature import sphere_angles
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = GradientVarianceSettings
Array = NDArray[np.float64]

INITIAL_NORM = 1.0
"""Norm of weights of scale 1/√d."""

NORMS = 300
"""Norms of w on the grid from which the search for the largest variance starts."""


def run(settings: Settings, seeds: Sequence[int] = (), checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """The surface for one target, and the variance over targets by dimension and radius.

    Returns
    -------
    Dataset, in float64, with ``surface`` (first_weight, second_weight); ``variance`` (weights, dim, radius)
    at initial weights, of norm 1, and at the norm where it is largest, ``worst_norm`` (dim, radius);
    ``sampled_variance`` and ``sampled_error`` (dim, radius) at initial weights; ``joint_variance``
    (joint_size), the largest with d = r; and the changes of ln(largest variance) per unit,
    ``log_slope_in_dim`` (larger_dim, radius), ``log_slope_in_radius`` (dim, larger_radius) and
    ``joint_log_slope`` (larger_joint_size); ``power_over_expected`` (dim), the power of r by which it falls
    between the two largest norms, over the d - 1 of large norms.
    """
    weights = np.linspace(-settings.surface_extent, settings.surface_extent, settings.surface_points)
    surface = loss(np.stack(np.meshgrid(weights, weights, indexing="ij"), axis=-1), np.array(settings.target))
    dims, radii = np.array(settings.dim)[:, np.newaxis], np.array(settings.radius)
    initial = np.vectorize(variance, otypes="d")(dims, radii, INITIAL_NORM)
    worst, worst_norm = np.vectorize(largest_variance, otypes="dd")(dims, radii)
    sampled, error = np.vectorize(_sampled_variance, otypes="dd")(dims, radii, settings.sampled_targets)
    joint = np.array([largest_variance(size, float(size))[0] for size in settings.joint_size])
    logarithm = np.log(worst)
    grid = ("dim", "radius")
    variables = {
        "surface": (("first_weight", "second_weight"), surface, "loss E(p - h)²"),
        "variance": (("weights", *grid), [initial, worst], "variance of the gradient across targets"),
        "worst_norm": (grid, worst_norm, "norm of the weights where the variance is largest"),
        "sampled_variance": (grid, sampled, "variance across sampled targets"),
        "sampled_error": (grid, error, "standard error of the sampled variance"),
        "joint_variance": ("joint_size", joint, "largest variance at d = r"),
        "log_slope_in_dim": (
            ("larger_dim", "radius"),
            np.diff(logarithm, axis=0) / np.diff(dims, axis=0),
            "change of ln(largest variance) for each dimension",
        ),
        "log_slope_in_radius": (
            ("dim", "larger_radius"),
            np.diff(logarithm) / np.diff(radii),
            "change of ln(largest variance) for each unit of the radius",
        ),
        "power_over_expected": (
            "dim",
            -np.diff(logarithm)[:, -1] / np.diff(np.log(radii))[-1] / (dims[:, 0] - 1),
            "power of the norm by which the variance falls, over d - 1",
        ),
        "joint_log_slope": (
            "larger_joint_size",
            np.diff(np.log(joint)) / np.diff(settings.joint_size),
            "change of ln(largest variance) with d = r",
        ),
    }
    coordinates = {
        "first_weight": (weights, "first weight"),
        "second_weight": (weights, "second weight"),
        "weights": (["initial", "worst"], "weights at which the variance is taken"),
        "dim": (settings.dim, "input dimension d"),
        "radius": (settings.radius, "norm r of the target"),
        "joint_size": (settings.joint_size, "dimension d and norm r of the target"),
        "larger_dim": (settings.dim[1:], "larger of two neighbouring dimensions d"),
        "larger_radius": (radii[1:], "larger of two neighbouring norms r"),
        "larger_joint_size": (settings.joint_size[1:], "larger of two neighbouring sizes d = r"),
    }
    return labelled(variables, coordinates)


def loss(weights: Array, target: Array) -> Array:
    """F_v(w) for ``weights`` (…, d) and ``target`` (d,), shape (…)."""
    own = (1 + _mean_cosine(2 * weights)) / 2 + (1 + _mean_cosine(2 * target)) / 2
    return own - _mean_cosine(weights - target) - _mean_cosine(weights + target)


def target_gradient(weights: Array, targets: Array) -> Array:
    """The part of ∇F_v(w) that depends on v, for ``weights`` (d,) and ``targets`` (n, d), shape (n, d)."""
    apart, together = weights - targets, weights + targets
    return apart * _mean_cosine(apart)[:, np.newaxis] + together * _mean_cosine(together)[:, np.newaxis]


def _mean_cosine(vectors: Array) -> Array:
    """E cos⟨a, x⟩ for ``vectors`` a (…, d), shape (…)."""
    mean: Array = np.exp(-np.square(vectors).sum(-1) / 2)
    return mean


def variance(dim: int, radius: float, norm: ArrayLike) -> Array:
    """Variance of ∇F_v(w) over targets of norm ``radius`` at weights of norm ``norm`` (…), shape (…).

    With the angle θ between v and w, the gradient has a part along w and one across, whose mean is 0.
    """
    angles, weights = sphere_angles(dim)
    norm = np.asarray(norm, dtype=float)[..., np.newaxis]
    along, across = radius * np.cos(angles), radius * np.sin(angles)
    near = np.exp(-((norm - along) ** 2 + across**2) / 2)
    far = np.exp(-((norm + along) ** 2 + across**2) / 2)
    parallel = (norm - along) * near + (norm + along) * far
    deviation = parallel - (parallel @ weights)[..., np.newaxis]
    return np.asarray((deviation**2 + (across * (far - near)) ** 2) @ weights)


def largest_variance(dim: int, radius: float) -> tuple[float, float]:
    """The largest variance over all weights w, and the norm of such weights."""
    norms = np.linspace(0, radius + 3, NORMS)
    best = int(np.argmax(variance(dim, radius, norms)))
    bounds = norms[max(best - 1, 0)], norms[min(best + 1, NORMS - 1)]
    scale = variance(dim, radius, norms[best])
    found = minimize_scalar(
        lambda norm: -variance(dim, radius, norm) / scale, bounds=bounds, method="bounded"
    )
    return float(-found.fun * scale), float(found.x)


def _sampled_variance(dim: int, radius: float, count: int) -> tuple[float, float]:
    """Variance at initial weights over ``count`` random targets, and its standard error."""
    rng = stream("linear_periodic", "targets", dim=dim, radius=str(radius))
    directions = rng.standard_normal((count, dim))
    targets = radius * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    gradients = target_gradient(INITIAL_NORM * np.eye(dim)[0], targets)
    squares = np.square(gradients - gradients.mean(axis=0)).sum(axis=1)
    return squares.sum() / (count - 1), squares.std(ddof=1) / np.sqrt(count)
