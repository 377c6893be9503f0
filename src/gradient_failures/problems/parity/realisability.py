"""Lemma 3 (supplement C): a ReLU network of width about 3d/2 represents every parity exactly.

For each even number e a triad of ReLU units of the count t = <x, v*> forms a bump that is 1/2 at t = e and
0 at every other integer; four times the sum of the bumps minus 1 is then the label. The published indices
start the triads at e = 2, so that inputs with t = 0 get the wrong label; starting at e = 0 mends it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from gradient_failures.problems.parity.settings import RealisabilitySettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = RealisabilitySettings

FIRST_BUMP = {"corrected": 0, "published": 2}


def run(settings: Settings, seeds: Sequence[int] = (), checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Share of wrong labels of both constructions, over all targets and inputs or over samples.

    Returns
    -------
    Dataset with ``error_rate`` and ``width`` (construction, dim), ``smallest_margin`` (construction, dim)
    and ``exhaustive`` (dim), in float64.
    """
    dims = sorted({*settings.exhaustive_dim, *settings.sampled_dim})
    cells = [[_measure(dim, first_bump, settings) for dim in dims] for first_bump in FIRST_BUMP.values()]
    error_rate, smallest_margin = np.moveaxis(np.array(cells), -1, 0)
    width = [[3 * len(_bump_centres(dim, first_bump)) for dim in dims] for first_bump in FIRST_BUMP.values()]
    exhaustive = [int(dim in settings.exhaustive_dim) for dim in dims]
    grid = ("construction", "dim")
    return labelled(
        {
            "error_rate": (grid, error_rate, "share of wrong labels"),
            "smallest_margin": (grid, smallest_margin, "smallest y·score"),
            "width": (grid, width, "hidden units"),
            "exhaustive": ("dim", exhaustive, "1: all targets and inputs, 0: samples"),
        },
        {
            "construction": (list(FIRST_BUMP), "version of the explicit network"),
            "dim": (dims, "input dimension d"),
        },
    )


def network_output(inputs: np.ndarray, target: np.ndarray, first_bump: int) -> np.ndarray:
    """Scores of the explicit network on ``inputs`` (n, d) of 0s and 1s, shape (n,)."""
    centres = _bump_centres(len(target), first_bump)
    hidden_weights = np.tile(target[:, np.newaxis].astype(float), 3 * len(centres))
    hidden_biases = -(centres[:, np.newaxis] + np.array([-0.5, 0.0, 0.5])).ravel()
    output_weights = 4 * np.tile([1.0, -2.0, 1.0], len(centres))
    hidden = np.maximum(inputs @ hidden_weights + hidden_biases, 0)
    return np.asarray(hidden @ output_weights - 1)


def _measure(dim: int, first_bump: int, settings: Settings) -> tuple[float, float]:
    """Share of wrong labels and smallest margin."""
    margins = [
        (1 - 2 * ((inputs @ target) % 2)) * network_output(inputs, target, first_bump)
        for inputs, target in _cases(dim, settings)
    ]
    return np.mean([np.mean(margin <= 0) for margin in margins]), min(margin.min() for margin in margins)


def _bump_centres(dim: int, first_bump: int) -> np.ndarray:
    return np.arange(first_bump, dim + 1, 2)


def _cases(dim: int, settings: Settings) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs (n, d) and target (d,), one target at a time."""
    if dim in settings.exhaustive_dim:
        everything = (np.arange(2**dim)[:, np.newaxis] >> np.arange(dim)) & 1
        return ((everything, target) for target in everything)
    rng = stream("realisability", "samples", dim=dim)
    return (
        (rng.integers(0, 2, (settings.sampled_inputs, dim)), rng.integers(0, 2, dim))
        for _ in range(settings.sampled_targets)
    )
