"""The products and convolutions of one training step alone, into memory that is there already."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gradient_failures.benchmark import Step
from gradient_failures.line_convolutions import KERNEL
from gradient_failures.line_images import SIZE
from gradient_failures.tuple_networks import CHANNELS


def dense(widths: Sequence[int], rows: int) -> Step:
    """Forward and backward products of layers of ``widths`` on ``rows`` inputs, which get no gradient."""
    products: list[tuple[Tensor, Tensor, Tensor]] = []
    for depth, (fan_in, fan_out) in enumerate(pairwise(widths)):
        inputs, weights, errors = (
            torch.randn(shape) for shape in ((rows, fan_in), (fan_in, fan_out), (rows, fan_out))
        )
        products.append((inputs, weights, torch.empty(rows, fan_out)))
        products.append((inputs.t(), errors, torch.empty(fan_in, fan_out)))
        if depth:
            products.append((errors, weights.t(), torch.empty(rows, fan_in)))

    def step() -> None:
        for left, right, out in products:
            torch.mm(left, right, out=out)

    return step


def convolutions(images: int) -> Step:
    """The two convolutions of the score network on so many images, forward and backward, by oneDNN."""
    first = _convolution(images, 1, SIZE, needs_input_gradient=False)
    second = _convolution(images, CHANNELS, SIZE // 2, needs_input_gradient=True)

    def step() -> None:
        first()
        second()

    return step


def _convolution(images: int, channels: int, size: int, needs_input_gradient: bool) -> Step:
    inputs, weights, errors = (
        torch.randn(shape).contiguous(memory_format=torch.channels_last)
        for shape in (
            (images, channels, size, size),
            (CHANNELS, channels, KERNEL, KERNEL),
            (images, CHANNELS, size, size),
        )
    )
    bias = torch.zeros(CHANNELS)
    geometry = ([1, 1], [KERNEL // 2] * 2, [1, 1], False, [0, 0], 1)
    needs = [needs_input_gradient, True, True]

    def step() -> None:
        torch.ops.aten.convolution(inputs, weights, bias, *geometry)
        torch.ops.aten.convolution_backward(errors, inputs, weights, [CHANNELS], *geometry, needs)

    return step
