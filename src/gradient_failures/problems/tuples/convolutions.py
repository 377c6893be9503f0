"""The convolutions of the score network, at the cost of the pixels of a line rather than of all pixels."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

KERNEL = 5
REACH = KERNEL // 2
WINDOW = KERNEL + 1
"""Side of the part of an image that one output of 2x2 max-pooling after a convolution sees."""

ROWS = 1024
"""Patches that are gathered at a time: they and their products stay in the cache."""


def convolutions(
    images: Tensor, first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor
) -> Tensor:
    """A convolution, 2x2 max-pooling and a convolution; both keep the size of what they convolve.

    Parameters
    ----------
    images : not negative, shape (n, 28, 28); they get no gradient.
    first, second : kernels of shape (25, channels), row by row, and (channels, channels, 5, 5).
    first_bias, second_bias : shape (channels,).

    Returns
    -------
    Maps of shape (n, channels, 14, 14), channels last in memory.
    """
    if images.device.type == "cpu":
        maps: Tensor = _OfLines.apply(images, first, first_bias, second, second_bias)  # type: ignore[no-untyped-call]
        return maps
    kernels = first.T.reshape(-1, 1, KERNEL, KERNEL)
    maps = max_pool2d(conv2d(images.unsqueeze(1), kernels, first_bias, padding=REACH), 2)
    return conv2d(maps, second, second_bias, padding=REACH)


class _OfLines(torch.autograd.Function):
    """:func:`convolutions` where most of an image is dark.

    Where the first convolution sees nothing its output is its bias. Only the windows of 6x6 pixels, one for
    each output of the pooling, that hold a lit pixel are computed: one matrix product gives the convolution
    at the four places that are pooled. Backwards through the second convolution, only these outputs need a
    gradient of their own; all others are the bias, and have one in common.
    """

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor
    ) -> Tensor:
        seen = _windows_with_light(images)
        windows = _windows(images, seen)
        kernels = (_PLACES.to(first) @ first).view(WINDOW * WINDOW, 4 * len(first_bias))
        places = (windows @ kernels).view(-1, 4, len(first_bias))
        largest = torch.maximum(
            torch.maximum(places[:, 0], places[:, 1]), torch.maximum(places[:, 2], places[:, 3])
        )
        ctx.save_for_backward(seen, windows, places, largest, first_bias, second)
        lit = seen.flatten().nonzero().squeeze(1)
        maps = first_bias.repeat(seen.numel(), 1).index_copy_(0, lit, largest + first_bias)
        return conv2d(maps.view(*seen.shape, -1).permute(0, 3, 1, 2), second, second_bias, padding=REACH)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor, Tensor, Tensor]:
        seen, windows, places, largest, first_bias, second = ctx.saved_tensors
        errors = gradient.permute(0, 2, 3, 1)
        total = errors.sum(0)
        # Every output of the pooling is its bias, and those that see light are something more.
        of_bias = pad(total, [0, 0] + [REACH] * 4).unfold(0, len(total), 1).unfold(1, len(total), 1)
        of_bias = of_bias.sum((3, 4)).flatten()
        kernels = second.flip(2, 3).permute(2, 3, 0, 1).reshape(len(of_bias), -1)
        products = torch.outer(first_bias, of_bias)
        of_largest = torch.empty_like(largest)
        patches_at = _Patches(errors, seen)
        for start in range(0, len(largest), ROWS):
            rows = slice(start, start + ROWS)
            patches = patches_at[rows]
            torch.mm(patches, kernels, out=of_largest[rows])
            products.addmm_(largest[rows].T, patches)
        of_second = products.view(-1, KERNEL, KERNEL, second.shape[0]).permute(3, 0, 1, 2).flip(2, 3)
        of_first = _through_pooling(of_largest, windows, places, largest)
        return None, of_first, of_bias @ kernels, of_second, total.sum((0, 1))


class _Patches:
    """What an output of the pooling contributes to: the errors 5x5 around it, of the outputs that see light.

    Parameters
    ----------
    errors : gradient of the outputs of the second convolution, shape (n, 14, 14, channels).
    seen : which outputs of the pooling see light, shape (n, 14, 14).
    """

    def __init__(self, errors: Tensor, seen: Tensor) -> None:
        padded = pad(errors, [0, 0] + [REACH] * 4)
        *_, width, channels = padded.shape
        self.size = KERNEL * KERNEL * channels
        image, row, column = seen.nonzero().T
        corners = (image * width + row) * width + column
        self.starts = corners[:, None] + torch.arange(0, KERNEL * width, width)
        n_rows = padded.numel() // channels - KERNEL + 1
        self.rows = padded.as_strided((n_rows, KERNEL * channels), (channels, 1))

    def __getitem__(self, rows: slice) -> Tensor:
        """Those of some of the outputs, shape (rows, 25 · channels)."""
        return self.rows.index_select(0, self.starts[rows].flatten()).view(-1, self.size)


def _through_pooling(gradient: Tensor, windows: Tensor, places: Tensor, largest: Tensor) -> Tensor:
    """Gradient of the first kernels: the largest of the four places gets that of its output.

    Along a row or column of lit pixels places see the same and tie; then they share it, which comes to the
    same as one of them getting it.
    """
    chosen = (places == largest[:, None]).to(gradient.dtype)
    ties = chosen[:, 0] + chosen[:, 1] + chosen[:, 2] + chosen[:, 3]
    routed = chosen.mul_((gradient / ties)[:, None])
    products = windows.T @ routed.flatten(1)
    return _PLACES.T.to(products) @ products.view(len(_PLACES), -1)


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
    padded = pad(images, [REACH] * 4)
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
