"""The convolutions and poolings of the score network, and their gradient."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

from gradient_failures.problems.tuples import sparse
from gradient_failures.problems.tuples.images import drawn
from gradient_failures.problems.tuples.sparse import CELLS, CHANNELS, KERNEL, POOLED, REACH, TAPS, WIDTH


def pooled(pixels: Tensor, first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor) -> Tensor:
    """A convolution, 2x2 max-pooling, and both again; the convolutions keep the size of what they convolve.

    In float32 on the CPU the cost is that of the lit pixels, else that of all.

    Parameters
    ----------
    pixels : the lit pixels of images, as :func:`pixels_of` gives them; shape (n, any).
    first, second : kernels of shape (25, 16), row by row, and (16, 16, 5, 5).
    first_bias, second_bias : shape (16,).

    Returns
    -------
    Maps of 7x7 places, channels last: shape (n, 784).
    """
    weights = first, first_bias, second, second_bias
    if pixels.device.type == "cpu" and first.dtype == torch.float32:
        maps: Tensor = _Sparse.apply(pixels, *weights)  # type: ignore[no-untyped-call]
        return maps
    return dense(drawn(pixels).to(first.dtype), *weights)


def dense(images: Tensor, first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor) -> Tensor:
    """:func:`pooled` of images (n, 28, 28) of any kind."""
    kernels = first.T.reshape(-1, 1, KERNEL, KERNEL)
    maps = max_pool2d(conv2d(images.unsqueeze(1), kernels, first_bias, padding=REACH), 2)
    maps = max_pool2d(conv2d(maps, second, second_bias, padding=REACH), 2)
    return maps.permute(0, 2, 3, 1).flatten(1)


class _Sparse(torch.autograd.Function):
    """:func:`pooled` by the compiled functions of :mod:`sparse`."""

    @staticmethod
    def forward(
        ctx: Any, pixels: Tensor, first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor
    ) -> Tensor:
        n = len(pixels)
        lit, cells = np.empty(pixels.shape, np.int16), np.empty((n, CELLS * CELLS), np.int16)
        n_lit, n_cells = np.empty(n, np.int64), np.empty(n, np.int64)
        light = lit, n_lit, cells, n_cells
        sparse.find_light(pixels.numpy(), *light)
        kernels, bias = second.permute(2, 3, 1, 0).flatten().numpy(), first_bias.numpy()
        dark = np.zeros((WIDTH, WIDTH, CHANNELS), np.float32)
        dark[REACH:-REACH, REACH:-REACH] = second_bias.numpy()
        sparse.add_dark(bias, kernels, dark.ravel())
        cell_values, cell_choices = (np.empty(n_cells.sum() * CHANNELS, np.float32) for _ in range(2))
        maps, choices = (np.empty(n * POOLED * POOLED * CHANNELS, np.float32) for _ in range(2))
        kernel = first.flatten().numpy()
        sparse.forward(*light, kernel, kernels, dark.ravel(), cell_values, cell_choices, maps, choices)
        ctx.save_for_backward(first_bias, second)
        ctx.kept = *light, cell_values, cell_choices, choices
        return torch.from_numpy(maps).view(n, -1)

    @staticmethod
    def backward(ctx: Any, errors: Tensor) -> tuple[None, Tensor, Tensor, Tensor, Tensor]:
        first_bias, second = ctx.saved_tensors
        transposed = second.permute(2, 3, 0, 1).flatten().numpy()
        sizes = TAPS * CHANNELS, CHANNELS, TAPS * CHANNELS * CHANNELS, WIDTH * WIDTH * CHANNELS
        of_kernel, of_bias, of_kernels, at_maps = (np.zeros(size, np.float32) for size in sizes)
        sparse.backward(*ctx.kept, errors.flatten().numpy(), transposed, of_kernel, of_kernels, at_maps)
        sparse.add_dark_gradient(at_maps, first_bias.numpy(), transposed, of_bias, of_kernels)
        of_first, of_second = torch.from_numpy(of_kernel), torch.from_numpy(of_kernels)
        return (
            None,
            of_first.view(TAPS, CHANNELS),
            torch.from_numpy(of_bias),
            of_second.view(KERNEL, KERNEL, CHANNELS, CHANNELS).permute(3, 2, 0, 1),
            torch.from_numpy(at_maps).view(-1, CHANNELS).sum(0),
        )
