"""The best accuracy that any classifier can have on images of lines, and on tuples of them.

Pixels follow each other with the slope of the line, so an image gives its label away unless all its pixels
lie in one row or one column. For those few images the better answer is found by counting. A product of k
labels, each told with accuracy a, is right if an even number of them is wrong: (1 + (2a - 1)^k) / 2.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from gradient_failures.problems.tuples.images import SIZE, draw_lines, rasterise, slope_labels
from gradient_failures.problems.tuples.settings import RASTERISATIONS, ImageCeilingSettings, Rasterisation
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = ImageCeilingSettings

IMAGES_PER_DRAW = 50_000

PICTURES = 1 + 2 * SIZE**3
"""The ambiguous ones by row or column, first and last pixel, and one number for all the others."""

LABELS = [1, -1]
EXAMPLES = 8
"""Images of each label that figure 2 shows."""


def run(
    settings: ImageCeilingSettings, seeds: Sequence[int] = (), checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Accuracy of the best classifier of single images and of tuples; the images of figure 2 beside it.

    The better answer for each ambiguous picture is counted on half of the images and tested on the other
    half, so that the estimate errs, if at all, below the truth.

    Returns
    -------
    Dataset with ``accuracy`` and ``ambiguous_share`` (rasterisation), ``tuple_accuracy`` (rasterisation,
    tuple_length), and ``sample_image`` (label, example, y, x), 0s and 1s.
    """
    accuracy, share = np.array([_measure(name, settings.images) for name in RASTERISATIONS]).T
    tuples = [[(1 + (2 * a - 1) ** k) / 2 for k in settings.tuple_length] for a in accuracy]
    pixels = ("label", "example", "y", "x")
    variables = {
        "accuracy": ("rasterisation", accuracy, "best accuracy on single images"),
        "ambiguous_share": ("rasterisation", share, "share of images whose pixels lie in one row or column"),
        "tuple_accuracy": (("rasterisation", "tuple_length"), tuples, "best accuracy on tuples"),
        "sample_image": (pixels, _sample_images(), "whether the pixel is on the line"),
    }
    coordinates = {
        "rasterisation": (list(RASTERISATIONS), "how coordinates become pixels"),
        "tuple_length": (settings.tuple_length, "images in a tuple, k"),
        "label": (LABELS, "label of the image"),
        "example": (range(EXAMPLES), "number of the image among those of its label"),
        "y": (range(SIZE), "row of pixels, from the top"),
        "x": (range(SIZE), "column of pixels, from the left"),
    }
    return labelled(variables, coordinates)


def _sample_images() -> np.ndarray:
    """The first images drawn of each of ``LABELS``, as released: shape (2, EXAMPLES, 28, 28)."""
    lines = draw_lines(20 * EXAMPLES, "released", stream("tuples", "sample images"))
    images, labels = rasterise(lines, "released").numpy(), slope_labels(lines).numpy()
    return np.stack([images[labels == label][:EXAMPLES] for label in LABELS])


def _measure(rasterisation: Rasterisation, images: int) -> tuple[float, float]:
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
