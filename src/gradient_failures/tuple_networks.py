"""The networks of the experiment on tuples: N1 scores an image, N2 labels a tuple by its scores (§3.1)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

from gradient_failures.config.tuples import InitialScale
from gradient_failures.layers import dense_weights, relu_network, truncated_normal
from gradient_failures.line_images import SIZE
from gradient_failures.seeds import stream

CHANNELS = 16
KERNEL = 5
WINDOW = KERNEL + 1
"""Side of the part of an image that one output of 2x2 max-pooling after a convolution sees."""

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
    rng : generator of the initial weights: truncated normal; biases are 0.
    """

    def __init__(self, scale: InitialScale, rng: np.random.Generator) -> None:
        first, second = CONVOLUTION_SCALES[scale]
        self.first = truncated_normal((KERNEL * KERNEL, CHANNELS), first, rng)
        self.first_bias = torch.zeros(CHANNELS)
        second_weights = truncated_normal((CHANNELS, CHANNELS, KERNEL, KERNEL), second, rng)
        self.second = second_weights.contiguous(memory_format=torch.channels_last)
        self.second_bias = torch.zeros(CHANNELS)
        self.dense = dense_weights([CHANNELS * (SIZE // 4) ** 2, 50, 100, 1], rng)

    def parameters(self) -> list[Tensor]:
        """All weights and biases."""
        return [self.first, self.first_bias, self.second, self.second_bias, *self.dense]

    def scores(self, images: Tensor) -> Tensor:
        """Scores of images (n, 28, 28), shape (n,)."""
        return relu_network(self.dense[-1:], self.features(images)).squeeze(1)

    def features(self, images: Tensor) -> Tensor:
        """What the output layer sees of images (n, 28, 28): the last hidden layer, shape (n, 100)."""
        maps = SparseConvolutionAndPool.apply(images, self.first, self.first_bias)  # type: ignore[no-untyped-call]
        maps = max_pool2d(conv2d(maps, self.second, self.second_bias, padding="same"), 2)
        pooled = maps.permute(0, 2, 3, 1).reshape(len(images), -1)
        return relu_network(self.dense[:-1], pooled).relu()


class TupleNetwork:
    """N1 for each image and N2 for the tuple: sigmoids of the k scores, 100 ReLU units, one output.

    Parameters
    ----------
    score_rng, rng : generators of the initial weights of N1 and of N2.
    """

    def __init__(
        self,
        tuple_length: int,
        scale: InitialScale,
        score_rng: np.random.Generator,
        rng: np.random.Generator,
    ) -> None:
        self.tuple_length = tuple_length
        self.score_network = ScoreNetwork(scale, score_rng)
        self.dense = dense_weights([tuple_length, 100, 1], rng)

    def parameters(self) -> list[Tensor]:
        """All weights and biases of both networks."""
        return [*self.score_network.parameters(), *self.dense]

    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs of N2, shape (n,), and scores of N1, shape (n, k), for images (n k, 28, 28)."""
        scores = self.score_network.scores(images).view(-1, self.tuple_length)
        return relu_network(self.dense, scores.sigmoid()).squeeze(1), scores


def initial_network(tuple_length: int, seed: int, scale: InitialScale = "released") -> TupleNetwork:
    """The network that the run with ``seed`` starts from; N1 is the same for tuples of every length."""
    return TupleNetwork(
        tuple_length,
        scale,
        stream("tuples", "score weights", seed=seed),
        stream("tuples", "weights", tuple_length=tuple_length, seed=seed),
    )


class SparseConvolutionAndPool(torch.autograd.Function):
    """``max_pool2d(conv2d(images, padding=2), 2)`` at the cost of the pixels that are lit.

    Most of an image of a line is dark, and where the convolution sees nothing its output is its bias. Only
    the windows of 6x6 pixels, one for each output of the pooling, that hold a lit pixel are computed: one
    matrix product gives the convolution at the four places that are pooled. Images get no gradient.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """Maps of shape (n, channels, 14, 14), channels last in memory.

        Parameters
        ----------
        images : not negative, shape (n, 28, 28).
        weights, bias : shapes (25, channels), the kernel row by row, and (channels,).
        """
        seen = _windows_with_light(images)
        windows, outputs = _windows(images, seen), seen.flatten().nonzero().squeeze(1)
        kernels = (_PLACES.to(weights) @ weights).view(WINDOW * WINDOW, 4 * len(bias))
        places = (windows @ kernels).view(-1, 4, len(bias))
        largest = torch.maximum(
            torch.maximum(places[:, 0], places[:, 1]), torch.maximum(places[:, 2], places[:, 3])
        )
        ctx.save_for_backward(windows, outputs, places, largest)
        maps = bias.repeat(seen.numel(), 1).index_copy_(0, outputs, largest + bias)
        return maps.view(*seen.shape, -1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:
        """Gradients of the weights and the bias: the largest of the four places gets that of its output.

        Along a row or column of lit pixels places see the same and tie; then they share it, which comes to
        the same as one of them getting it.
        """
        windows, outputs, places, largest = ctx.saved_tensors
        flat = gradient.permute(0, 2, 3, 1).reshape(-1, gradient.shape[1])
        chosen = (places == largest[:, None]).to(flat.dtype)
        ties = chosen[:, 0] + chosen[:, 1] + chosen[:, 2] + chosen[:, 3]
        routed = chosen.mul_((flat.index_select(0, outputs) / ties)[:, None])
        kernels = windows.T @ routed.flatten(1)
        return None, _PLACES.T.to(kernels) @ kernels.view(len(_PLACES), -1), flat.sum(0)


def _windows_with_light(images: Tensor) -> Tensor:
    """Which windows of images (n, 28, 28) hold a lit pixel, shape (n, 14, 14).

    Window (i, j) is the cells of 2x2 pixels around and at (i, j).
    """
    cells = images[:, ::2, ::2] + images[:, ::2, 1::2] + images[:, 1::2, ::2] + images[:, 1::2, 1::2]
    lit = pad(cells > 0, [1] * 4)
    rows = lit[:, :-2] | lit[:, 1:-1] | lit[:, 2:]
    return rows[:, :, :-2] | rows[:, :, 1:-1] | rows[:, :, 2:]


def _windows(images: Tensor, seen: Tensor) -> Tensor:
    """The pixels of the windows that are ``seen`` (n, 14, 14), shape (windows, 36)."""
    padded = pad(images, [KERNEL // 2] * 4)
    width = padded.shape[2]
    image, row, column = seen.nonzero().T
    corners = (image * width + 2 * row) * width + 2 * column
    inside = torch.arange(WINDOW)[:, None] * width + torch.arange(WINDOW)
    pixels = (corners[:, None] + inside.flatten()).flatten()
    return padded.view(-1).index_select(0, pixels).view(-1, WINDOW * WINDOW)


def _places() -> Tensor:
    """Where the entries of a kernel fall in a window at the four places that are pooled: (6·6·4, 25)."""
    places = torch.zeros(WINDOW, WINDOW, 4, KERNEL, KERNEL)
    for place, (top, left) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        for row in range(KERNEL):
            for column in range(KERNEL):
                places[top + row, left + column, place, row, column] = 1
    return places.view(-1, KERNEL * KERNEL)


_PLACES = _places()
