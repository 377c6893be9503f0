"""Images of straight lines, labelled by the sign of their slope (§3.1, figure 2)."""

import numpy as np
import torch
from torch import Tensor

from gradient_failures.problems.tuples.settings import Rasterisation

SIZE = 28
"""Width and height of an image in pixels."""

LENGTHS = (5.0, 23.0)
"""Range of the length of a line in pixels."""

REACH = int(LENGTHS[1]) // 2
"""A line has at most this many pixels on either side of its centre, the centre counted for both."""


def draw_lines(count: int, rasterisation: Rasterisation, rng: np.random.Generator) -> np.ndarray:
    """Draw lines uniformly: angle in [0, π), length in [5, 23], x and y of the centre; shape (count, 4)."""
    edge = SIZE if rasterisation == "released" else SIZE - 1
    lines = rng.random((count, 4))
    lines *= [np.pi, LENGTHS[1] - LENGTHS[0], edge, edge]
    lines[:, 1] += LENGTHS[0]
    return lines


def slope_labels(lines: np.ndarray) -> Tensor:
    """Labels of lines (n, 4): +1 for an angle below π/2, -1 from there on; float32, shape (n,)."""
    return torch.as_tensor(np.where(lines[:, 0] < np.pi / 2, np.float32(1), np.float32(-1)))


def rasterise(lines: np.ndarray, rasterisation: Rasterisation) -> Tensor:
    """Draw lines (n, 4), one pixel wide.

    Returns
    -------
    Images of 0s and 1s, float32, shape (n, 28, 28), indexed by (y, x).
    """
    return drawn(pixels_of(lines, rasterisation))


def pixels_of(lines: np.ndarray, rasterisation: Rasterisation) -> Tensor:
    """The pixels of lines (n, 4): int16, shape (n, 44), each 28 y + x, or -1 for none; some are there twice.

    They are the centre ± j (cos θ, sin θ) for j = 0, …, ⌊length/2⌋ - 1, brought to integers; those outside
    the image are left out.
    """
    angle, length, *centre = lines.T[:, :, np.newaxis]
    distance = np.concatenate([np.arange(REACH), -np.arange(REACH)])
    x, y = (
        _to_pixel(start + distance * direction, rasterisation)
        for start, direction in zip(centre, (np.cos(angle), np.sin(angle)), strict=True)
    )
    inside = (np.abs(distance) < length // 2) & (x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE)
    return torch.as_tensor(np.where(inside, y * SIZE + x, -1).astype(np.int16))


def drawn(pixels: Tensor) -> Tensor:
    """Images (n, 28, 28) of 0s and 1s in which ``pixels`` (n, any) are lit; float32."""
    images = torch.zeros(len(pixels), SIZE * SIZE + 1)
    images.scatter_(1, torch.where(pixels < 0, SIZE * SIZE, pixels).long(), 1)
    return images[:, :-1].view(-1, SIZE, SIZE)


def _to_pixel(position: np.ndarray, rasterisation: Rasterisation) -> np.ndarray:
    return (position if rasterisation == "released" else np.rint(position)).astype(np.int32)
