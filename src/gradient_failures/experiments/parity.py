"""Learning random parities by gradient descent (§2.1, figure 1).

The target is v* ∈ {0,1}^d; the label of a uniform x ∈ {0,1}^d is y = (-1)^<x, v*>. A ReLU network is
trained with the hinge loss and plain SGD on fresh samples.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.checkpoint import Checkpoint, Part
from gradient_failures.config.parity import InputEncoding, ParityPoint, ParityTraining
from gradient_failures.layers import dense_weights
from gradient_failures.networks import HingeNetwork
from gradient_failures.seeds import stream
from gradient_failures.training import Learner, fit_each

Point = ParityPoint
Training = ParityTraining

STEPS_PER_DRAW = 100
"""Training steps whose samples are drawn together; bounds memory, does not change the samples."""

METRICS = {
    "accuracy": {"long_name": "accuracy on fresh samples", "units": "1"},
    "loss": {"long_name": "hinge loss on fresh samples", "units": "1"},
}


def train(
    point: ParityPoint, training: ParityTraining, seeds: Iterable[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds`` at one grid point.

    Returns
    -------
    Dataset with ``accuracy`` and ``loss`` (seed, step), ``diverged_at_step`` and ``subset_size`` (seed).
    """
    return fit_each(seeds, lambda seed: ParityLearner(point, training, seed), training, METRICS, checkpoint)


class ParityLearner(Learner):
    """One run. Runs of one (dim, seed) share target and samples whatever their network and encoding."""

    def __init__(self, point: ParityPoint, training: ParityTraining, seed: int) -> None:
        self.training = training
        self.encoding = point.input_encoding
        size = "random" if point.fixed_subset_size is None else point.fixed_subset_size
        problem: dict[str, int | str] = {"dim": point.dim, "fixed_subset_size": size, "seed": seed}
        self.target = draw_target(point, stream("parity", "target", **problem))
        self.train_stream = stream("parity", "train", **problem)
        self.test_stream = stream("parity", "test", **problem)
        weights = stream("parity", "weights", dim=point.dim, architecture=point.architecture, seed=seed)
        layers = dense_weights([point.dim, *point.hidden_widths(), 1], weights)
        self.network = HingeNetwork(layers, training.batch_size)

    def advance(self, steps: int) -> None:
        """Take ``steps`` SGD steps, each on a fresh batch."""
        for first in range(0, steps, STEPS_PER_DRAW):
            for inputs, labels in self._batches(min(STEPS_PER_DRAW, steps - first)):
                self.network.sgd_step(inputs, labels, self.training.learning_rate)

    def evaluate(self) -> dict[str, float]:
        """Accuracy and mean hinge loss on fresh samples."""
        inputs, labels = sample(self.target, self.training.eval_samples, self.encoding, self.test_stream)
        margins = (self.network.scores(inputs) * labels).cpu()
        return {
            "accuracy": (margins > 0).double().mean().item(),
            "loss": (1 - margins).clamp_min(0).double().mean().item(),
        }

    def parts(self) -> Mapping[str, Part]:
        """Weights and streams of samples."""
        return {"layers": self.network.layers, "train": self.train_stream, "test": self.test_stream}

    def results(self) -> xr.Dataset:
        """``subset_size``, without dimensions."""
        subset_size = {"long_name": "size |v*| of the subset that decides the label", "units": "1"}
        return xr.Dataset({"subset_size": ((), int(self.target.sum()), subset_size)})

    def _batches(self, count: int) -> Iterable[tuple[Tensor, Tensor]]:
        size = self.training.batch_size
        inputs, labels = sample(self.target, count * size, self.encoding, self.train_stream)
        return zip(inputs.view(count, size, -1), labels.view(count, size, 1), strict=True)


def draw_target(point: ParityPoint, rng: np.random.Generator) -> np.ndarray:
    """Target v* as 0s and 1s, shape (d,): uniform, or uniform among subsets of a fixed size."""
    if point.fixed_subset_size is None:
        return rng.integers(0, 2, size=point.dim, dtype=np.uint8)
    target = np.zeros(point.dim, dtype=np.uint8)
    target[rng.choice(point.dim, size=point.fixed_subset_size, replace=False)] = 1
    return target


def sample(
    target: np.ndarray, count: int, encoding: InputEncoding, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw ``count`` uniform inputs and their labels.

    Returns
    -------
    Inputs as the network sees them, shape (count, d + 1) with a last column of ones for the bias,
    and labels ±1, shape (count,); both float32.
    """
    dim = len(target)
    words = rng.integers(0, 2**64, size=(count, -(-dim // 64)), dtype=np.uint64)
    bits = torch.as_tensor(np.unpackbits(words.view(np.uint8), axis=1, count=dim)).float()
    labels = torch.remainder(bits @ torch.as_tensor(target).float(), 2).mul_(-2).add_(1)
    inputs = torch.ones(count, dim + 1)
    inputs[:, :dim] = bits if encoding == "bits" else bits.mul_(-2).add_(1)
    return inputs, labels
