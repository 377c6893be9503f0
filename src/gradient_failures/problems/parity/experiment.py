"""Learning random parities by gradient descent (§2.1, figure 1).

The target is v* ∈ {0,1}^d; the label of a uniform x ∈ {0,1}^d is y = (-1)^<x, v*>. A ReLU network is
trained with the hinge loss and plain SGD on fresh samples.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.parity.settings import InputEncoding, ParitySettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint, State
from gradient_failures.training.layers import dense_weights, over_seeds
from gradient_failures.training.loop import Learner, fit
from gradient_failures.training.networks import HingeNetwork
from gradient_failures.training.seeds import streams

Settings = ParitySettings

STEPS_PER_DRAW = 100
"""Training steps whose samples are drawn together; bounds memory, does not change the samples."""

VARIABLES = {
    "accuracy": "accuracy on fresh samples",
    "loss": "hinge loss on fresh samples",
}


def run(settings: ParitySettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Train one run for each of ``seeds``.

    Returns
    -------
    Dataset with ``accuracy`` and ``loss`` (seed, step), ``subset_size`` (seed), and what :func:`fit` adds.
    """
    return fit(seeds, partial(ParityLearner, settings), settings, VARIABLES, checkpoint)


class ParityLearner(Learner):
    """Runs at one grid point. Those of one (dim, seed) share target and samples whatever else differs."""

    def __init__(self, settings: ParitySettings, seeds: Sequence[int]) -> None:
        self.settings = settings
        size = "random" if settings.fixed_subset_size is None else settings.fixed_subset_size
        problem: dict[str, int | str] = {"dim": settings.dim, "fixed_subset_size": size}
        targets = [draw_target(settings, rng) for rng in streams("parity", "target", seeds, **problem)]
        self.targets = np.stack(targets)
        self.train_streams = streams("parity", "train", seeds, **problem)
        self.test_streams = streams("parity", "test", seeds, **problem)
        weights = streams("parity", "weights", seeds, dim=settings.dim, architecture=settings.architecture)
        widths = [settings.dim, *settings.hidden_widths(), 1]
        layers = over_seeds(dense_weights(widths, rng) for rng in weights)
        self.network = HingeNetwork(layers, settings.batch_size)

    def advance(self, steps: int) -> None:
        """Take ``steps`` SGD steps, each on a fresh batch."""
        for first in range(0, steps, STEPS_PER_DRAW):
            for inputs, labels in self._batches(min(STEPS_PER_DRAW, steps - first)):
                self.network.sgd_step(inputs, labels, self.settings.learning_rate)

    def evaluate(self) -> dict[str, Tensor]:
        """Accuracy and mean hinge loss on fresh samples."""
        inputs, labels = self._sample(self.settings.eval_samples, self.test_streams)
        margins = (self.network.scores(inputs) * labels).cpu()
        return {
            "accuracy": (margins > 0).double().mean(1),
            "loss": (1 - margins).clamp_min(0).double().mean(1),
        }

    def state(self) -> Mapping[str, State]:
        """Weights and streams of samples."""
        return {"layers": self.network.layers, "train": self.train_streams, "test": self.test_streams}

    def results(self) -> xr.Dataset:
        """``subset_size`` (seed)."""
        sizes = self.targets.sum(1, dtype=int)
        return labelled(
            {"subset_size": ("seed", sizes, "size |v*| of the subset that decides the label")}, {}
        )

    def _batches(self, count: int) -> Iterable[tuple[Tensor, Tensor]]:
        size = self.settings.batch_size
        inputs, labels = self._sample(count * size, self.train_streams)
        return zip(torch.split(inputs, size, 1), torch.split(labels.unsqueeze(2), size, 1), strict=True)

    def _sample(self, count: int, rngs: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor]:
        return sample(self.targets, count, self.settings.input_encoding, rngs)


def draw_target(settings: ParitySettings, rng: np.random.Generator) -> np.ndarray:
    """Target v* as 0s and 1s, shape (d,): uniform, or uniform among subsets of a fixed size."""
    if settings.fixed_subset_size is None:
        return rng.integers(0, 2, size=settings.dim, dtype=np.uint8)
    target = np.zeros(settings.dim, dtype=np.uint8)
    target[rng.choice(settings.dim, size=settings.fixed_subset_size, replace=False)] = 1
    return target


def sample(
    targets: np.ndarray, count: int, encoding: InputEncoding, rngs: Sequence[np.random.Generator]
) -> tuple[Tensor, Tensor]:
    """Draw ``count`` uniform inputs for each of ``targets`` (seeds, d), and their labels.

    Returns
    -------
    Inputs as the network sees them, shape (seeds, count, d + 1) with a last column of ones for the bias,
    and labels ±1, shape (seeds, count); both float32.
    """
    dim = targets.shape[1]
    n_words = -(-dim // 64)
    words = np.stack([rng.integers(0, 2**64, size=(count, n_words), dtype=np.uint64) for rng in rngs])
    masks = np.packbits(np.pad(targets, [(0, 0), (0, 64 * n_words - dim)]), axis=1).view(np.uint64)
    odd = np.bitwise_count(words & masks[:, np.newaxis]).sum(2) & 1
    bits = torch.as_tensor(np.unpackbits(words.view(np.uint8), axis=2, count=dim + 1).view(np.int8))
    inputs = (bits if encoding == "bits" else bits.mul_(-2).add_(1)).float()
    inputs[:, :, dim] = 1
    return inputs, torch.as_tensor(1 - 2 * odd.astype(np.float32))
