"""Products of linear labels, h_u = Π_l sign⟨u, x_l⟩ for Gaussian x_1 … x_k: theorem 3 and its sharp form.

With the squared loss the gradient is -E[h_u g] plus a part without u, where g = ∇p; a margin loss puts c g
for g, |c| ≤ 1, as in theorem 1. Two answers are exact.

One predictor: p = Π_l φ(⟨w, x_l⟩) with φ(z) = erf(z/√2) and ‖w‖ = 1, which becomes h_w as ‖w‖ grows. Then
E[h_u p] = C^k with C = E[sign⟨u, x⟩ φ(⟨w, x⟩)] = (2/π) arcsin(⟨u, w⟩ / √(1 + ‖w‖²)), by lemma 2, as φ(z) is
the mean of sign(z + ξ) over a standard normal ξ. So E[h_u g] = k C^(k-1) ∇C.

Every predictor: E_u ⟨h_u, g⟩² ≤ λ ‖g‖², where λ is the largest eigenvalue of the kernel
⟨h_u, h_u'⟩ = ((2/π) arcsin⟨u, u'⟩)^k on the sphere. Equality holds for some g, the gradient of p = w g. By
Funk and Hecke the eigenvalue of degree n is the average of the kernel times the Gegenbauer polynomial P_n,
with P_n(1) = 1. The kernel is a power series in ⟨u, u'⟩ with positive coefficients and the parity of k, so
that eigenvalues of the other parity are 0 and the rest fall with n. Degree 0 is the mean over u, which the
variance leaves out: its largest value is G² times the eigenvalue of degree 1 for odd k and 2 for even k.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import erf

from gradient_failures.problems.quadrature import sphere_angles
from gradient_failures.problems.tuples.settings import GaussianTuplesSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.results.statistics import mean
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = GaussianTuplesSettings


def run(
    settings: GaussianTuplesSettings, seeds: Sequence[int] = (), checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Variance over u in units of G² = E‖∇p‖², for the product predictor and for the best of all predictors.

    Returns
    -------
    Dataset, in float64, of the exact ``variance`` and ``variance_over_bound`` (predictor, tuple_length, dim),
    with ``ratio_by_length`` (predictor, longer_length, dim) and ``slope_beyond_bound`` (predictor,
    tuple_length, larger_dim); of ``bound``, theorem 3 with 1 for the constant that it leaves open, and
    ``second_moment``, which its proof bounds (tuple_length, dim); and of unbiased estimates for the product
    predictor, ``sampled_variance``, and their 95 % intervals from ``sampled_low`` to ``sampled_high``
    (tuple_length, sampled_dim).
    """
    product, best, moment = (
        np.array([[function(k, d) for d in settings.dim] for k in settings.tuple_length])
        for function in (product_variance, largest_variance, largest_second_moment)
    )
    sampled = np.array(
        [[_sampled_variance(k, d, settings) for d in settings.sampled_dim] for k in settings.tuple_length]
    )
    lengths, dims = np.array(settings.tuple_length)[:, np.newaxis], np.array(settings.dim)
    variance = np.stack([product, best])
    bound = (lengths * np.log(dims) / dims) ** (lengths / 2)
    ratio = variance[:, 1:] / variance[:, :-1]
    slope = np.diff(np.log(variance), axis=2) / np.diff(np.log(dims)) + lengths / 2
    grid, by_predictor = ("tuple_length", "dim"), ("predictor", "tuple_length", "dim")
    longer, larger = ("predictor", "longer_length", "dim"), ("predictor", "tuple_length", "larger_dim")
    samples = ("tuple_length", "sampled_dim")
    variables = {
        "variance": (by_predictor, variance, "variance of the gradient across targets, relative to G²"),
        "variance_over_bound": (by_predictor, variance / bound, "variance relative to the bound"),
        "bound": (grid, bound, "bound of theorem 3, relative to G², its constant being 1"),
        "second_moment": (grid, moment, "largest mean of ⟨h, g⟩² over targets, relative to G²"),
        "ratio_by_length": (longer, ratio, "variance relative to that of the next shorter tuples"),
        "slope_beyond_bound": (larger, slope, "slope of ln(variance) against ln(d), plus k/2"),
        "sampled_variance": (
            samples,
            sampled[..., 0],
            "unbiased estimate of the variance for the product predictor, relative to G²",
        ),
        "sampled_low": (samples, sampled[..., 1], "lower end of its 95 % interval"),
        "sampled_high": (samples, sampled[..., 2], "upper end of its 95 % interval"),
    }
    coordinates = {
        "predictor": (["product", "best"], "predictor"),
        "tuple_length": (settings.tuple_length, "inputs in a tuple, k"),
        "longer_length": (settings.tuple_length[1:], "inputs in the longer tuple, k"),
        "dim": (settings.dim, "dimension d of one input"),
        "larger_dim": (settings.dim[1:], "larger of two neighbouring dimensions d"),
        "sampled_dim": (settings.sampled_dim, "dimension d of one input"),
    }
    return labelled(variables, coordinates)


def product_variance(tuple_length: int, dim: int) -> float:
    """Variance of E[h_u ∇p] over u for the product predictor at ‖w‖ = 1, divided by E‖∇p‖².

    ∇C has a part along w and one across it, whose mean over u is 0.
    """
    angles, weights = sphere_angles(dim)
    cosine, sine = np.cos(angles), np.sin(angles)
    correlation = 2 / np.pi * np.arcsin(cosine / np.sqrt(2))
    slope = np.sqrt(2) / np.pi / np.sqrt(1 - cosine**2 / 2)
    scale = tuple_length * correlation ** (tuple_length - 1) * slope
    along, across = scale * cosine / 2, scale * sine
    deviation = along - along @ weights
    return float((deviation**2 + across**2) @ weights) / product_square(tuple_length, dim)


def product_square(tuple_length: int, dim: int) -> float:
    """E‖∇p‖² of the product predictor at ‖w‖ = 1: from E φ² = 1/3 and two Gaussian integrals of φ and φ'."""
    own = 2 / np.pi * (dim - 1 + 1 / 3) / np.sqrt(3)
    shared = 1 / (np.pi * np.sqrt(3))
    crossed = tuple_length * (tuple_length - 1) * 3.0 ** (2 - tuple_length) * shared**2
    return float(tuple_length * 3.0 ** (1 - tuple_length) * own + crossed)


def largest_variance(tuple_length: int, dim: int) -> float:
    """Largest variance of E[h_u ∇p] over u, of all predictors, divided by E‖∇p‖²."""
    return _eigenvalue(tuple_length, dim, 1 if tuple_length % 2 else 2)


def largest_second_moment(tuple_length: int, dim: int) -> float:
    """Largest mean of E[h_u g]² over u, of all g, divided by E g²."""
    return _eigenvalue(tuple_length, dim, tuple_length % 2)


def _eigenvalue(tuple_length: int, dim: int, degree: int) -> float:
    """Eigenvalue of the kernel ((2/π) arcsin⟨u, u'⟩)^k, in spherical harmonics of degree 0, 1 or 2."""
    angles, weights = sphere_angles(dim)
    cosine = np.cos(angles)
    harmonic = (np.ones_like(cosine), cosine, (dim * cosine**2 - 1) / (dim - 1))[degree]
    return float(((1 - 2 * angles / np.pi) ** tuple_length * harmonic) @ weights)


def product_gradient(weights: np.ndarray, tuples: np.ndarray) -> np.ndarray:
    """∇p of the product predictor at ``tuples`` (n, k, d), shape (n, d)."""
    scores = tuples @ weights
    factors, slopes = erf(scores / np.sqrt(2)), np.sqrt(2 / np.pi) * np.exp(-(scores**2) / 2)
    others = [np.delete(factors, index, axis=1).prod(axis=1) for index in range(factors.shape[1])]
    return np.asarray(((slopes * np.stack(others, axis=1))[:, :, np.newaxis] * tuples).sum(axis=1))


def _sampled_variance(tuple_length: int, dim: int, settings: GaussianTuplesSettings) -> list[float]:
    """Estimate from pairs of targets, each with tuples of its own, divided by E‖∇p‖², and its interval."""
    rng = stream("gaussian_tuples", "pairs", tuple_length=tuple_length, dim=dim)
    values = [_sampled_pair(tuple_length, dim, settings.tuples_per_pair, rng) for _ in range(settings.pairs)]
    estimate = mean(np.array(values) / product_square(tuple_length, dim))
    return [estimate.value, estimate.low, estimate.high]


def _sampled_pair(tuple_length: int, dim: int, count: int, rng: np.random.Generator) -> float:
    """½‖E[(h_u - h_u') g]‖² for two random targets, without bias: the mean over pairs of tuples."""
    targets = rng.standard_normal((dim, 2))
    tuples = rng.standard_normal((count, tuple_length, dim))
    labels = np.sign(tuples @ targets).prod(axis=1)
    gradients = product_gradient(np.eye(dim)[0], tuples)
    differences = (labels[:, :1] - labels[:, 1:]) * gradients
    total = np.square(differences.sum(axis=0)).sum() - np.square(differences).sum()
    return float(total) / (2 * count * (count - 1))
