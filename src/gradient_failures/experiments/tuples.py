"""Tuples of line images: end-to-end training against decomposition (§3.1, figures 2 and 3).

The label of an image is the sign of its line's slope, the label of a tuple the product of the labels of its
k images. N1 scores each image, N2 labels the tuple by the scores.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.checkpoint import Checkpoint, Part
from gradient_failures.config.tuples import TuplesPoint, TuplesTraining
from gradient_failures.line_images import draw_lines, rasterise, slope_labels
from gradient_failures.optimisers import Adam
from gradient_failures.seeds import stream
from gradient_failures.training import Learner, fit_each
from gradient_failures.tuple_networks import initial_network

Point = TuplesPoint
Training = TuplesTraining

METRICS = {
    "accuracy": {"long_name": "accuracy on fresh tuples", "units": "1"},
    "image_accuracy": {"long_name": "accuracy of the sign of the score on fresh images", "units": "1"},
    "loss": {"long_name": "hinge loss on fresh tuples", "units": "1"},
}


def train(
    point: TuplesPoint, training: TuplesTraining, seeds: Iterable[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds`` at one grid point.

    Returns
    -------
    Dataset with ``accuracy``, ``image_accuracy`` and ``loss`` (seed, step), ``diverged_at_step`` and
    ``last_step`` (seed).
    """
    return fit_each(seeds, lambda seed: TuplesLearner(point, training, seed), training, METRICS, checkpoint)


class TuplesLearner(Learner):
    """One run. Runs of one (tuple_length, seed) share initial weights and tuples whatever their approach."""

    def __init__(self, point: TuplesPoint, training: TuplesTraining, seed: int) -> None:
        self.point, self.training = point, training
        axes = {"tuple_length": point.tuple_length, "seed": seed}
        self.network = initial_network(point.tuple_length, seed, point.initial_scale)
        self.parameters = [parameter.requires_grad_() for parameter in self.network.parameters()]
        self.optimiser = Adam(self.parameters, training.optimiser)
        self.train_stream = stream("tuples", "train", **axes)
        self.test_stream = stream("tuples", "test", **axes)
        self.fixed = None
        if point.training_set == "fixed":
            self.fixed = self._draw(training.fixed_tuples, stream("tuples", "fixed", **axes))

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps of Adam, each on a batch of tuples."""
        for _ in range(steps):
            for parameter in self.parameters:
                parameter.grad = None
            self._loss(self._batch()).backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy and loss on fresh tuples, and accuracy of the sign of the score on their images."""
        lines = self._draw(self.training.eval_tuples, self.test_stream)
        parts = [self._apply(part) for part in torch.split(lines, self.training.batch_size)]
        outputs, scores, labels = (torch.cat(tensors).cpu() for tensors in zip(*parts, strict=True))
        return {
            "accuracy": agreement(outputs, labels.prod(1)),
            "image_accuracy": agreement(scores, labels),
            "loss": hinge(outputs, labels.prod(1)).item(),
        }

    def parts(self) -> Mapping[str, Part]:
        """Weights, optimiser and streams of tuples; a fixed training set never changes."""
        return {
            "parameters": self.parameters,
            "optimiser": self.optimiser,
            "train": self.train_stream,
            "test": self.test_stream,
        }

    def _loss(self, lines: Tensor) -> Tensor:
        outputs, scores, labels = self._apply(lines)
        loss = hinge(outputs, labels.prod(1))
        return loss + hinge(scores, labels) if self.point.approach == "decomposition" else loss

    def _apply(self, lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs (n,), scores (n, k) and labels of images (n, k), for ``lines`` (n, k, 4) of n tuples."""
        flat = lines.flatten(0, 1).numpy()
        outputs, scores = self.network.outputs(rasterise(flat, self.point.rasterisation))
        return outputs, scores, slope_labels(flat).view_as(scores)

    def _batch(self) -> Tensor:
        size = self.training.batch_size
        if self.fixed is None:
            return self._draw(size, self.train_stream)
        return self.fixed[torch.from_numpy(self.train_stream.integers(0, len(self.fixed), size))]

    def _draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """Lines of ``count`` tuples, shape (count, k, 4)."""
        lines = draw_lines(count * self.point.tuple_length, self.point.rasterisation, rng)
        return torch.from_numpy(lines).view(count, self.point.tuple_length, 4)


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean hinge loss max(0, 1 - label·output)."""
    return (1 - labels * outputs).clamp_min(0).mean()


def agreement(outputs: Tensor, labels: Tensor) -> float:
    """Share of outputs whose sign is the label."""
    return (outputs * labels > 0).double().mean().item()
