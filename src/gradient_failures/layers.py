"""Layers of networks: their initial weights, and their outputs for autograd to differentiate."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor


def truncated_normal(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Tensor:
    """Normal samples of standard deviation ``scale`` (before the cut), cut at two of it; float32."""
    uniform = rng.uniform(ndtr(-2.0), ndtr(2.0), size=shape)
    return torch.as_tensor((ndtri(uniform) * scale).astype(np.float32))


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
    """Outputs (n, outputs) for ``inputs`` (n, inputs), with a ReLU after every layer but the last.

    Parameters
    ----------
    layers : weights as :func:`dense_weights` makes them.
    """
    for layer in layers[:-1]:
        inputs = torch.addmm(layer[-1], inputs, layer[:-1]).relu()
    return torch.addmm(layers[-1][-1], inputs, layers[-1][:-1])
