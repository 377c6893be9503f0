"""The rasteriser against a loop over pixels, and the facts that the labels rest on."""

import math

import numpy as np
import pytest
import torch

from gradient_failures.problems.tuples.images import SIZE, draw_lines, rasterise, slope_labels
from gradient_failures.problems.tuples.settings import RASTERISATIONS

each_rasterisation = pytest.mark.parametrize("rasterisation", RASTERISATIONS)


def rng():
    return np.random.default_rng(7)


def drawn_pixel_by_pixel(line, rasterisation):
    """§3.1 in plain Python: walk from the centre both ways, to integers, those outside dropped."""
    angle, length, centre_x, centre_y = line
    image = np.zeros((SIZE, SIZE))
    to_pixel = int if rasterisation == "released" else round
    for j in range(int(length // 2)):
        for sign in (1, -1):
            x = to_pixel(centre_x + sign * j * math.cos(angle))
            y = to_pixel(centre_y + sign * j * math.sin(angle))
            if 0 <= x < SIZE and 0 <= y < SIZE:
                image[y, x] = 1
    return image


@each_rasterisation
def test_images_are_those_of_a_loop_over_pixels(rasterisation):
    lines = draw_lines(2000, rasterisation, rng())
    images = rasterise(lines, rasterisation)
    assert images.dtype == torch.float32
    expected = np.stack([drawn_pixel_by_pixel(line, rasterisation) for line in lines])
    np.testing.assert_array_equal(images.numpy(), expected)


@pytest.mark.parametrize(
    ("line", "released", "text"),
    [
        (
            (0.0, 6.0, 3.6, 0.2),
            {(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)},
            {(0, 2), (0, 3), (0, 4), (0, 5), (0, 6)},
        ),
        ((math.pi / 2, 5.0, 2.0, 0.5), {(0, 2), (1, 2)}, {(0, 2), (2, 2)}),
        ((3 * math.pi / 4, 6.0, 10.5, 10.5), {(9, 11), (10, 10), (11, 9), (11, 9), (9, 11)}, None),
    ],
)
def test_images_of_lines_drawn_by_hand(line, released, text):
    for rasterisation, pixels in (("released", released), ("text", text)):
        if pixels is not None:
            image = rasterise(np.array([line]), rasterisation)[0]
            assert {tuple(pixel) for pixel in image.nonzero().tolist()} == pixels


@each_rasterisation
def test_lines_are_uniform_over_their_ranges(rasterisation):
    lines = draw_lines(100_000, rasterisation, rng())
    edge = SIZE if rasterisation == "released" else SIZE - 1
    for column, (low, high) in enumerate([(0, math.pi), (5, 23), (0, edge), (0, edge)]):
        values = (lines[:, column] - low) / (high - low)
        assert values.min() >= 0
        assert values.max() <= 1
        assert np.histogram(values, 10, (0, 1))[0] == pytest.approx(10_000, abs=500)


def test_labels_are_balanced_and_tell_the_slope():
    lines = draw_lines(100_000, "released", rng())
    labels = slope_labels(lines)
    assert set(labels.tolist()) == {-1.0, 1.0}
    assert abs(labels.mean().item()) < 4 / math.sqrt(len(lines))
    np.testing.assert_array_equal(labels > 0, np.tan(lines[:, 0]) > 0)


@each_rasterisation
def test_an_image_with_several_rows_and_columns_gives_its_label_away(rasterisation):
    """Along a line, rows and columns both grow where the label is +1, and go opposite ways where it is -1."""
    lines = draw_lines(20_000, rasterisation, rng())
    for image, label in zip(rasterise(lines, rasterisation), slope_labels(lines).tolist(), strict=True):
        rows, columns = image.nonzero().T.double()
        if len(rows) and rows.min() < rows.max() and columns.min() < columns.max():
            covariance = ((rows - rows.mean()) * (columns - columns.mean())).sum()
            assert math.copysign(1, covariance) == label


def test_the_lines_drawn_do_not_depend_on_how_many_are_drawn_at_once():
    together, generator = draw_lines(30, "released", rng()), rng()
    apart = np.concatenate([draw_lines(10, "released", generator) for _ in range(3)])
    np.testing.assert_array_equal(together, apart)
