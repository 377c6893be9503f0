"""The networks of the experiment on tuples: N1 scores an image, N2 labels a tuple by its scores (§3.1)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gradient_failures.problems.tuples.convolutions import pooled
from gradient_failures.problems.tuples.images import SIZE
from gradient_failures.problems.tuples.settings import InitialScale
from gradient_failures.problems.tuples.sparse import CHANNELS, KERNEL
from gradient_failures.training.layers import dense_weights, over_seeds, relu_network, truncated_normal
from gradient_failures.training.seeds import streams

CONVOLUTION_SCALES = {
    "released": (SIZE**-0.5, CHANNELS**-0.5),
    "fan_in": (1 / KERNEL, 1 / (KERNEL * CHANNELS**0.5)),
}
"""Standard deviations of the initial weights of the two convolutions."""


class ScoreNetwork:
    """N1: conv 5x5x16, max-pool 2, conv 5x5x16, max-pool 2, ReLU layers of 50 and 100 units, one output.

    There is no ReLU after the convolutions, as in the released code; they keep the size of the image.

    Parameters
    ----------
    rngs : generators of the initial weights of each seed: truncated normal; biases are 0.
    """

    def __init__(self, scale: InitialScale, rngs: Sequence[np.random.Generator]) -> None:
        first, second = CONVOLUTION_SCALES[scale]
        shapes = {(KERNEL * KERNEL, CHANNELS): first, (CHANNELS, CHANNELS, KERNEL, KERNEL): second}
        self.first, self.second = over_seeds(
            [truncated_normal(shape, deviation, rng) for shape, deviation in shapes.items()] for rng in rngs
        )
        self.first_bias = torch.zeros(len(rngs), CHANNELS)
        self.second_bias = torch.zeros(len(rngs), CHANNELS)
        widths = [CHANNELS * (SIZE // 4) ** 2, 50, 100, 1]
        self.dense = over_seeds(dense_weights(widths, rng) for rng in rngs)

    def parameters(self) -> list[Tensor]:
        """All weights and biases."""
        return [self.first, self.first_bias, self.second, self.second_bias, *self.dense]

    def scores(self, pixels: Tensor) -> Tensor:
        """Scores (seeds, n) of images by their lit ``pixels`` (seeds, n, any)."""
        return relu_network(self.dense[-1:], self.features(pixels)).squeeze(2)

    def features(self, pixels: Tensor) -> Tensor:
        """What the output layer sees of images: the last hidden layer, (seeds, n, 100)."""
        weights = zip(self.first, self.first_bias, self.second, self.second_bias, strict=True)
        maps = [pooled(own, *kernels) for own, kernels in zip(pixels, weights, strict=True)]
        return relu_network(self.dense[:-1], torch.stack(maps)).relu()


class TupleNetwork:
    """N1 for each image and N2 for the tuple: sigmoids of the k scores, 100 ReLU units, one output.

    Parameters
    ----------
    score_rngs, rngs : generators of the initial weights of N1 and of N2, of each seed.
    """

    def __init__(
        self,
        tuple_length: int,
        scale: InitialScale,
        score_rngs: Sequence[np.random.Generator],
        rngs: Sequence[np.random.Generator],
    ) -> None:
        self.tuple_length = tuple_length
        self.score_network = ScoreNetwork(scale, score_rngs)
        self.dense = over_seeds(dense_weights([tuple_length, 100, 1], rng) for rng in rngs)

    def parameters(self) -> list[Tensor]:
        """All weights and biases of both networks."""
        return [*self.score_network.parameters(), *self.dense]

    def outputs(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs of N2 (seeds, n) and scores of N1 (seeds, n, k), for ``pixels`` (seeds, n k, any)."""
        scores = self.score_network.scores(pixels).view(len(pixels), -1, self.tuple_length)
        return relu_network(self.dense, scores.sigmoid()).squeeze(2), scores


def initial_network(
    tuple_length: int, seeds: Sequence[int], scale: InitialScale = "released"
) -> TupleNetwork:
    """The networks that the runs of ``seeds`` start from; N1 is the same for tuples of every length."""
    return TupleNetwork(
        tuple_length,
        scale,
        streams("tuples", "score weights", seeds),
        streams("tuples", "weights", seeds, tuple_length=tuple_length),
    )
