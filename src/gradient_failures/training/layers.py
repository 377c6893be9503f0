"""Layers of networks: their initial weights, and their outputs for autograd to differentiate."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

TAIL = math.erfc(math.sqrt(2)) / 2
"""Share of a normal distribution that is beyond two standard deviations, on one side."""


def truncated_normal(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Tensor:
    """Normal samples of standard deviation ``scale`` (before the cut), cut at two of it; float32."""
    shares = torch.from_numpy(rng.uniform(TAIL, 1 - TAIL, size=shape))
    return torch.as_tensor((torch.special.ndtri(shares) * scale).float().numpy())


def dense_weights(widths: Sequence[int], rng: np.random.Generator) -> list[Tensor]:
    """Initial weights of a fully connected network: truncated normal of scale 1/√fan_in, biases 0.

    Layer i is one matrix of shape (widths[i] + 1, widths[i + 1]); its last row is the bias.
    """
    layers = []
    for fan_in, fan_out in pairwise(widths):
        weights = truncated_normal((fan_in, fan_out), fan_in**-0.5, rng)
        layers.append(torch.cat([weights, torch.zeros(1, fan_out)]))
    return layers


def over_seeds(networks: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    """The tensors of networks of one shape, each with a leading axis over the networks."""
    return [torch.stack(tensors) for tensors in zip(*networks, strict=True)]


def relu_network(layers: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Outputs (seeds, n, outputs) for ``inputs`` (seeds, n, inputs); a ReLU after every layer but the last.

    Parameters
    ----------
    layers : weights as :func:`dense_weights` makes them, with a leading axis over seeds.
    """
    for layer in layers[:-1]:
        inputs = affine(layer, inputs).relu()
    return affine(layers[-1], inputs)


def affine(layer: Tensor, inputs: Tensor) -> Tensor:
    """Products of ``inputs`` (seeds, n, inputs) with the weights of a layer, plus its biases."""
    return torch.baddbmm(layer[:, -1:], inputs, layer[:, :-1])
