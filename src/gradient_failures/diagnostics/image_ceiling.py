"""The best accuracy that any classifier can have on images of lines, and on tuples of them.

Pixels follow each other with the slope of the line, so an image gives its label away unless all its pixels
lie in one row or one column. For those few images the better answer is found by counting.
"""

import numpy as np
import xarray as xr

from gradient_failures.config.image_ceiling import ImageCeilingConfig
from gradient_failures.config.tuples import RASTERISATIONS, Rasterisation
from gradient_failures.line_images import SIZE, draw_lines, rasterise, slope_labels
from gradient_failures.seeds import stream

Settings = ImageCeilingConfig

IMAGES_PER_DRAW = 50_000

PICTURES = 1 + 2 * SIZE**3
"""The ambiguous ones by row or column, first and last pixel, and one number for all the others."""


def measure(config: ImageCeilingConfig) -> xr.Dataset:
    """Accuracy of the best classifier of single images.

    The better answer for each ambiguous picture is counted on half of the images and tested on the other
    half, so that the estimate errs, if at all, below the truth.

    Returns
    -------
    Dataset with ``accuracy`` and ``ambiguous_share`` (rasterisation).
    """
    measured = np.array([_measure_one(name, config.images) for name in RASTERISATIONS])
    accuracy = {"long_name": "best accuracy on single images", "units": "1"}
    ambiguous = {"long_name": "share of images whose pixels lie in one row or column", "units": "1"}
    ways = {"long_name": "how coordinates become pixels", "units": "1"}
    return xr.Dataset(
        {
            "accuracy": ("rasterisation", measured[:, 0], accuracy),
            "ambiguous_share": ("rasterisation", measured[:, 1], ambiguous),
        },
        coords={"rasterisation": ("rasterisation", list(RASTERISATIONS), ways)},
    )


def tuple_ceiling(accuracy: float, tuple_length: int) -> float:
    """Best accuracy on the product of independent labels that can each be told with ``accuracy``.

    A product is right if an even number of its factors is wrong: (1 + (2a - 1)^k) / 2.
    """
    return (1 + (2 * accuracy - 1) ** tuple_length) / 2


def _measure_one(rasterisation: Rasterisation, images: int) -> tuple[float, float]:
    """Best accuracy and share of ambiguous images."""
    counted, tested = (
        _count(rasterisation, images // 2, stream("image_ceiling", part, rasterisation=rasterisation))
        for part in ("counted", "tested")
    )
    plain = tested[:, 0].sum()
    right = np.take_along_axis(tested, counted.argmax(axis=0)[np.newaxis], axis=0)[0, 1:].sum()
    return (plain + right) / tested.sum(), 1 - plain / tested.sum()


def _count(rasterisation: Rasterisation, images: int, rng: np.random.Generator) -> np.ndarray:
    """Images by label, -1 and +1, and by picture; picture 0 is every one that gives its label away."""
    counts = np.zeros(2 * PICTURES, dtype=np.int64)
    for first in range(0, images, IMAGES_PER_DRAW):
        lines = draw_lines(min(IMAGES_PER_DRAW, images - first), rasterisation, rng)
        pictures = _picture(rasterise(lines, rasterisation).numpy().astype(bool))
        positive = slope_labels(lines).numpy() > 0
        counts += np.bincount(positive * PICTURES + pictures, minlength=2 * PICTURES)
    return counts.reshape(2, PICTURES)


def _picture(images: np.ndarray) -> np.ndarray:
    """Number of the picture of each image (n, 28, 28): 0 if it has more than one row and column of pixels.

    Dark images count as the first picture of a row. A line's pixels in one row have no gaps, so its first
    and last pixel tell them all.
    """
    top, bottom = _extent(np.any(images, axis=2))
    left, right = _extent(np.any(images, axis=1))
    in_row = 1 + (top * SIZE + left) * SIZE + right
    in_column = 1 + SIZE**3 + (left * SIZE + top) * SIZE + bottom
    dark = ~np.any(images, axis=(1, 2))
    return np.where(dark, 1, np.where(top == bottom, in_row, np.where(left == right, in_column, 0)))


def _extent(occupied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last place that is occupied, for each row of ``occupied`` (n, 28)."""
    return occupied.argmax(axis=1), SIZE - 1 - occupied[:, ::-1].argmax(axis=1)
