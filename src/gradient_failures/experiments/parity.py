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

from gradient_failures.checkpoint import Checkpoint, Part
from gradient_failures.config.parity import InputEncoding, ParityPoint, ParityTraining
from gradient_failures.layers import dense_weights, over_seeds
from gradient_failures.networks import HingeNetwork
from gradient_failures.seeds import streams
from gradient_failures.training import Learner, fit

Point = ParityPoint
Training = ParityTraining

STEPS_PER_DRAW = 100
"""Training steps whose samples are drawn together; bounds memory, does not change the samples."""

METRICS = {
    "accuracy": {"long_name": "accuracy on fresh samples", "units": "1"},
    "loss": {"long_name": "hinge loss on fresh samples", "units": "1"},
}


def train(
    point: ParityPoint, training: ParityTraining, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds`` at one grid point.

    Returns
    -------
    Dataset with ``accuracy`` and ``loss`` (seed, step), ``diverged_at_step`` and ``subset_size`` (seed).
    """
    return fit(seeds, partial(ParityLearner, point, training), training, METRICS, checkpoint)


class ParityLearner(Learner):
    """Runs at one grid point. Those of one (dim, seed) share target and samples whatever else differs."""

    def __init__(self, point: ParityPoint, training: ParityTraining, seeds: Sequence[int]) -> None:
        self.training = training
        self.encoding = point.input_encoding
        size = "random" if point.fixed_subset_size is None else point.fixed_subset_size
        problem: dict[str, int | str] = {"dim": point.dim, "fixed_subset_size": size}
        targets = [draw_target(point, rng) for rng in streams("parity", "target", seeds, **problem)]
        self.targets = np.stack(targets)
        self.train_streams = streams("parity", "train", seeds, **problem)
        self.test_streams = streams("parity", "test", seeds, **problem)
        weights = streams("parity", "weights", seeds, dim=point.dim, architecture=point.architecture)
        widths = [point.dim, *point.hidden_widths(), 1]
        layers = over_seeds(dense_weights(widths, rng) for rng in weights)
        self.network = HingeNetwork(layers, training.batch_size)

    def advance(self, steps: int) -> None:
        """Take ``steps`` SGD steps, each on a fresh batch."""
        for first in range(0, steps, STEPS_PER_DRAW):
            for inputs, labels in self._batches(min(STEPS_PER_DRAW, steps - first)):
                self.network.sgd_step(inputs, labels, self.training.learning_rate)

    def evaluate(self) -> dict[str, Tensor]:
        """Accuracy and mean hinge loss on fresh samples."""
        inputs, labels = sample(self.targets, self.training.eval_samples, self.encoding, self.test_streams)
        margins = (self.network.scores(inputs) * labels).cpu()
        return {
            "accuracy": (margins > 0).double().mean(1),
            "loss": (1 - margins).clamp_min(0).double().mean(1),
        }

    def parts(self) -> Mapping[str, Part]:
        """Weights and streams of samples."""
        return {"layers": self.network.layers, "train": self.train_streams, "test": self.test_streams}

    def results(self) -> xr.Dataset:
        """``subset_size`` (seed)."""
        subset_size = {"long_name": "size |v*| of the subset that decides the label", "units": "1"}
        return xr.Dataset({"subset_size": ("seed", self.targets.sum(1, dtype=int), subset_size)})

    def _batches(self, count: int) -> Iterable[tuple[Tensor, Tensor]]:
        size = self.training.batch_size
        inputs, labels = sample(self.targets, count * size, self.encoding, self.train_streams)
        return zip(torch.split(inputs, size, 1), torch.split(labels.unsqueeze(2), size, 1), strict=True)


def draw_target(point: ParityPoint, rng: np.random.Generator) -> np.ndarray:
    """Target v* as 0s and 1s, shape (d,): uniform, or uniform among subsets of a fixed size."""
    if point.fixed_subset_size is None:
        return rng.integers(0, 2, size=point.dim, dtype=np.uint8)
    target = np.zeros(point.dim, dtype=np.uint8)
    target[rng.choice(point.dim, size=point.fixed_subset_size, replace=False)] = 1
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
