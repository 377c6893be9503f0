"""Tuples of line images: end-to-end training against decomposition (§3.1, figures 2 and 3).

The label of an image is the sign of its line's slope, the label of a tuple the product of the labels of its
k images. N1 scores each image, N2 labels the tuple by the scores.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.tuples.images import draw_lines, pixels_of, slope_labels
from gradient_failures.problems.tuples.networks import initial_network
from gradient_failures.problems.tuples.settings import TuplesSettings
from gradient_failures.training.checkpoint import Checkpoint, State
from gradient_failures.training.loop import Learner, fit
from gradient_failures.training.optimisers import Adam
from gradient_failures.training.seeds import streams

Settings = TuplesSettings

VARIABLES = {
    "accuracy": "accuracy on fresh tuples",
    "image_accuracy": "accuracy of the sign of the score on fresh images",
    "loss": "hinge loss on fresh tuples",
}


def run(settings: TuplesSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Train one run for each of ``seeds``.

    Returns
    -------
    Dataset with ``accuracy``, ``image_accuracy`` and ``loss`` (seed, step), ``diverged_at_step`` and
    ``last_step`` (seed).
    """
    return fit(seeds, partial(TuplesLearner, settings), settings, VARIABLES, checkpoint)


class TuplesLearner(Learner):
    """Runs of the same settings. Those of one (tuple_length, seed) share initial weights and tuples."""

    def __init__(self, settings: TuplesSettings, seeds: Sequence[int]) -> None:
        self.settings = settings
        self.network = initial_network(settings.tuple_length, seeds, settings.initial_scale)
        self.parameters = [parameter.requires_grad_() for parameter in self.network.parameters()]
        self.optimiser = Adam(self.parameters, settings.optimiser)
        self.train_streams, self.test_streams, fixed_streams = (
            streams("tuples", purpose, seeds, tuple_length=settings.tuple_length)
            for purpose in ("train", "test", "fixed")
        )
        self.fixed = None
        if settings.training_set == "fixed":
            self.fixed = self._draw(settings.fixed_tuples, fixed_streams)

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps of Adam, each on a batch of tuples."""
        for _ in range(steps):
            for parameter in self.parameters:
                parameter.grad = None
            self._loss(self._batch()).sum().backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()

    @torch.no_grad()
    def evaluate(self) -> dict[str, Tensor]:
        """Accuracy and loss on fresh tuples, and accuracy of the sign of the score on their images."""
        count, size = self.settings.eval_tuples, self.settings.batch_size
        lines = self._draw(count, self.test_streams)
        parts = [self._apply(part) for part in np.split(lines, range(size, count, size), axis=1)]
        outputs, scores, labels = (torch.cat(tensors, 1).cpu() for tensors in zip(*parts, strict=True))
        return {
            "accuracy": agreement(outputs, labels.prod(2)),
            "image_accuracy": agreement(scores, labels),
            "loss": hinge(outputs, labels.prod(2)),
        }

    def state(self) -> Mapping[str, State]:
        """Weights, optimiser and streams of tuples; a fixed training set never changes."""
        return {
            "parameters": self.parameters,
            "optimiser": self.optimiser.state,
            "train": self.train_streams,
            "test": self.test_streams,
        }

    def _loss(self, lines: np.ndarray) -> Tensor:
        """The loss of each seed (seeds,)."""
        outputs, scores, labels = self._apply(lines)
        loss = hinge(outputs, labels.prod(2))
        return loss + hinge(scores, labels) if self.settings.approach == "decomposition" else loss

    def _apply(self, lines: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs (seeds, n), scores and labels of images (seeds, n, k), for ``lines`` (seeds, n, k, 4)."""
        flat = lines.reshape(-1, 4)
        pixels = pixels_of(flat, self.settings.rasterisation)
        outputs, scores = self.network.outputs(pixels.view(len(lines), -1, pixels.shape[1]))
        return outputs, scores, slope_labels(flat).view_as(scores)

    def _batch(self) -> np.ndarray:
        size = self.settings.batch_size
        if self.fixed is None:
            return self._draw(size, self.train_streams)
        chosen = [rng.integers(0, self.fixed.shape[1], size) for rng in self.train_streams]
        return np.stack([lines[indices] for lines, indices in zip(self.fixed, chosen, strict=True)])

    def _draw(self, count: int, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """Lines of ``count`` tuples from each of ``rngs``, shape (seeds, count, k, 4)."""
        length = self.settings.tuple_length
        drawn = [draw_lines(count * length, self.settings.rasterisation, rng) for rng in rngs]
        return np.stack(drawn).reshape(len(rngs), count, length, 4)


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean hinge loss max(0, 1 - label·output) of each seed (seeds,), for arguments (seeds, …)."""
    return (1 - labels * outputs).clamp_min(0).flatten(1).mean(1)


def agreement(outputs: Tensor, labels: Tensor) -> Tensor:
    """Share of outputs whose sign is the label, for each seed (seeds,)."""
    return (outputs * labels > 0).double().flatten(1).mean(1)
