"""Fully connected ReLU networks with hand-written gradients.

At the paper's sizes a training step is a few small matrix products, and autograd, modules and optimiser
objects cost several times more than the arithmetic. The tests hold every gradient here against autograd.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor


def truncated_normal(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Tensor:
    """Normal samples of standard deviation ``scale`` (before the cut), cut at two of it; float32."""
    uniform = rng.uniform(ndtr(-2.0), ndtr(2.0), size=shape)
    return torch.from_numpy((ndtri(uniform) * scale).astype(np.float32))


def dense_weights(widths: Sequence[int], rng: np.random.Generator) -> list[Tensor]:
    """Initial weights of a fully connected network: truncated normal of scale 1/√fan_in, biases 0.

    Layer i is one matrix of shape (widths[i] + 1, widths[i + 1]); its last row is the bias.
    """
    layers = []
    for fan_in, fan_out in pairwise(widths):
        weights = truncated_normal((fan_in, fan_out), fan_in**-0.5, rng)
        layers.append(torch.cat([weights, torch.zeros(1, fan_out)]))
    return layers


def relu_network(layers: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Outputs of a network with ReLUs after every layer but the last, for ``inputs`` (count, features).

    Parameters
    ----------
    layers : weights as :func:`dense_weights` makes them.
    """
    for layer in layers[:-1]:
        inputs = torch.addmm(layer[-1], inputs, layer[:-1]).relu_()
    return torch.addmm(layers[-1][-1], inputs, layers[-1][:-1])


class HingeNetwork:
    """A ReLU network with one linear output, trained by SGD on the hinge loss max(0, 1 - y·score).

    Inputs carry a last column of ones, which multiplies the bias row of the first layer.

    Parameters
    ----------
    layers : weights as :func:`dense_weights` makes them; updated in place.
    batch_size : rows of the batches that :meth:`sgd_step` takes.
    """

    def __init__(self, layers: list[Tensor], batch_size: int) -> None:
        self.layers = layers
        self._activations = [layer.new_ones(batch_size, layer.shape[1] + 1) for layer in layers[:-1]]
        self._errors = [layer.new_empty(batch_size, layer.shape[1]) for layer in layers[:-1]]
        self._scores = layers[0].new_empty(batch_size, 1)

    def scores(self, inputs: Tensor) -> Tensor:
        """Scores of ``inputs`` (n, d + 1), shape (n,)."""
        outputs = inputs @ self.layers[0]
        for layer in self.layers[1:]:
            outputs = torch.addmm(layer[-1], outputs.clamp_min_(0), layer[:-1])
        return outputs.squeeze(1)

    def sgd_step(self, inputs: Tensor, labels: Tensor, learning_rate: float) -> None:
        """One step of SGD on a batch: ``inputs`` (batch_size, d + 1), ``labels`` ±1 (batch_size, 1).

        Every error below is the gradient of the loss times minus the learning rate, so that one fused
        product both forms a layer's gradient and takes the step.
        """
        hidden = [inputs]
        for layer, activation in zip(self.layers[:-1], self._activations, strict=True):
            torch.mm(hidden[-1], layer, out=activation[:, :-1])
            hidden.append(activation.clamp_min_(0))
        torch.mm(hidden[-1], self.layers[-1], out=self._scores)
        inside_margin = torch.mul(self._scores, labels).lt_(1)
        error = inside_margin.mul_(labels).mul_(learning_rate / len(labels))
        for depth in range(len(self.layers) - 1, 0, -1):
            layer, activation = self.layers[depth], hidden[depth]
            below = torch.mm(error, layer[:-1].t(), out=self._errors[depth - 1])
            layer.addmm_(activation.t(), error)
            _relu_backward(below, activation[:, :-1])
            error = below
        self.layers[0].addmm_(inputs.t(), error)


def _relu_backward(error: Tensor, activation: Tensor) -> None:
    """Set ``error`` to 0, in place, where the ReLU output ``activation`` is 0."""
    torch.ops.aten.threshold_backward.grad_input(error, activation, 0, grad_input=error)
