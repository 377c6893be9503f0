"""The lemmas behind theorem 3 (supplement B.2), for the functions h_u(x_1, …, x_k) = Π sign⟨u, x_l⟩.

Lemma 1 bounds the mean of ⟨h_i, g⟩² over n functions of norm 1, by ‖g‖² (1/n + c) where c is the largest
|⟨h_i, h_j⟩|. At worst the mean is ‖g‖² λmax/n for the matrix of all inner products. Lemma 2 bounds
|E sign⟨w, x⟩ sign⟨v, x⟩| by |⟨w, v⟩|; by the angle between w and v it is 2/π·arcsin⟨w, v⟩. The k-th power of
that is the inner product of h_w and h_v.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from gradient_failures.problems.tuples.settings import LemmasSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = LemmasSettings


def run(settings: LemmasSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """How much of the bounds of the lemmas is used.

    Returns
    -------
    Dataset, in float64, with ``share_of_bound_1`` (dim, tuple_length, seed), at the worst g;
    ``share_of_bound_2`` (cosine), and ``sampled_share_of_bound_2`` with its standard error
    ``sampling_error`` (cosine).
    """
    shares = [
        [[_share_of_bound_1(d, k, settings.functions, seed) for seed in seeds] for k in settings.tuple_length]
        for d in settings.dim
    ]
    cosine = np.array(settings.cosine)
    first, other = stream("lemmas", "inputs").standard_normal((2, settings.samples))
    seconds = (value * first + np.sqrt(1 - value**2) * other for value in settings.cosine)
    sampled = np.array([(np.sign(first) * np.sign(second)).mean() for second in seconds])
    error = np.sqrt((1 - sampled**2) / settings.samples)
    cells = ("dim", "tuple_length", "seed")
    variables = {
        "share_of_bound_1": (cells, shares, "largest mean square / bound of lemma 1"),
        "share_of_bound_2": ("cosine", agreement(cosine) / cosine, "mean agreement / bound of lemma 2"),
        "sampled_share_of_bound_2": ("cosine", sampled / cosine, "the same from samples"),
        "sampling_error": ("cosine", error / cosine, "standard error of the same"),
    }
    coordinates = {
        "dim": (settings.dim, "dimension d"),
        "tuple_length": (settings.tuple_length, "images in a tuple, k"),
        "seed": (list(seeds), "number of the class"),
        "cosine": (cosine, "inner product of the two unit vectors"),
    }
    return labelled(variables, coordinates)


def agreement(cosine: np.ndarray) -> np.ndarray:
    """E sign⟨w, x⟩ sign⟨v, x⟩ for unit vectors with these inner products, x ~ N(0, I)."""
    return np.asarray(2 / np.pi * np.arcsin(np.clip(cosine, -1, 1)))


def _share_of_bound_1(dim: int, tuple_length: int, functions: int, seed: int) -> float:
    rng = stream("lemmas", "functions", dim=dim, tuple_length=tuple_length, seed=seed)
    vectors = rng.standard_normal((functions, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    products = agreement(vectors @ vectors.T) ** tuple_length
    np.fill_diagonal(products, 0)
    largest = 1 + np.linalg.eigvalsh(products)[-1]
    return float(largest / (1 + functions * np.abs(products).max()))
