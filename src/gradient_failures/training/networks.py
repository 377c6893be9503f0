"""Fully connected ReLU networks with hand-written gradients.

At the paper's sizes a training step is a few small matrix products, and autograd, modules and optimiser
objects cost several times more than the arithmetic. The tests hold every gradient here against autograd. All
tensors have a leading axis over seeds.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from gradient_failures.training.layers import affine


class DenseNetwork:
    """A ReLU network with linear outputs and hand-written gradients; without hidden layers, a linear map.

    Inputs carry a last column of ones, which multiplies the bias row of the first layer.

    Parameters
    ----------
    layers : weights (seeds, inputs + 1, outputs), each seed's as :func:`dense_weights` makes them; updated in
        place.
    batch_size : rows of the batches that the network is trained on.
    """

    def __init__(self, layers: list[Tensor], batch_size: int) -> None:
        self.layers = layers
        self._inputs = layers[0].new_empty(0)
        self._hidden = [_HiddenLayer(layer, above, batch_size) for layer, above in pairwise(layers)]
        self._outputs = layers[-1].new_empty(len(layers[-1]), batch_size, layers[-1].shape[2])

    def outputs(self, inputs: Tensor) -> Tensor:
        """Outputs at any number of ``inputs`` (seeds, n, d + 1), shape (seeds, n, outputs)."""
        outputs = inputs @ self.layers[0]
        for layer in self.layers[1:]:
            outputs = affine(layer, outputs.clamp_min_(0))
        return outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs at a batch (seeds, batch_size, d + 1), in a buffer that the next call writes to."""
        self._inputs = below = inputs
        for layer, hidden in zip(self.layers, self._hidden, strict=False):
            torch.bmm(below, layer, out=hidden.units)
            below = hidden.activations.clamp_min_(0)
        return torch.bmm(below, self.layers[-1], out=self._outputs)

    def backward(self, error: Tensor) -> None:
        """Set the ``grad`` of each layer from ``error``, the gradient of the loss at the last outputs."""
        for layer, inputs, output_error in self._errors_by_layer(error):
            if layer.grad is None:
                layer.grad = torch.empty_like(layer)
            torch.bmm(inputs.mT, output_error, out=layer.grad)

    def _errors_by_layer(self, error: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Each layer with its inputs and the error at its outputs, from the last layer to the first.

        A layer may be updated as soon as it is given: the error below it is known by then.
        """
        for layer, hidden in zip(reversed(self.layers), reversed(self._hidden), strict=False):
            below = torch.bmm(error, hidden.weights_above, out=hidden.errors)
            _relu_backward(below, hidden.units)
            yield layer, hidden.activations, error
            error = below
        yield self.layers[0], self._inputs, error


class _HiddenLayer:
    """Buffers of one hidden layer, and its views that every step needs.

    Activations are (seeds, batch_size, units + 1): the last column, ones, multiplies the biases of the layer
    above. Errors are (seeds, batch_size, units).
    """

    def __init__(self, layer: Tensor, above: Tensor, batch_size: int) -> None:
        self.activations = layer.new_ones(len(layer), batch_size, layer.shape[2] + 1)
        self.units = self.activations[:, :, :-1]
        self.errors = torch.empty_like(self.units)
        self.weights_above = above[:, :-1].mT


class HingeNetwork(DenseNetwork):
    """A network with one output, the score, trained by SGD on the hinge loss max(0, 1 - y·score)."""

    def scores(self, inputs: Tensor) -> Tensor:
        """Scores of ``inputs`` (seeds, n, d + 1), shape (seeds, n)."""
        return self.outputs(inputs).squeeze(2)

    def sgd_step(self, inputs: Tensor, labels: Tensor, learning_rate: float) -> None:
        """One step of SGD on ``inputs`` (seeds, batch_size, d + 1) with ``labels`` ±1 (seeds, batch_size, 1).

        Every error below is the gradient of the loss times minus the learning rate, so that one fused
        product both forms a layer's gradient and takes the step.
        """
        inside_margin = torch.mul(self.forward(inputs), labels).lt_(1)
        error = inside_margin.mul_(labels).mul_(learning_rate / labels.shape[1])
        for layer, activation, output_error in self._errors_by_layer(error):
            layer.baddbmm_(activation.mT, output_error)


def _relu_backward(error: Tensor, activation: Tensor) -> None:
    """Set ``error`` to 0, in place, where the ReLU output ``activation`` is 0."""
    torch.ops.aten.threshold_backward.grad_input(error, activation, 0, grad_input=error)
