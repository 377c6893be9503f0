"""The ceiling on the accuracy: its formula by enumeration, its pictures and its estimate by other counts."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from gradient_failures.problems.tuples.image_ceiling import Settings, _picture, run
from gradient_failures.problems.tuples.images import SIZE, draw_lines, rasterise, slope_labels
from gradient_failures.results import dataset
from gradient_failures.training.seeds import stream
from problems.tuples.test_images import drawn_pixel_by_pixel


@pytest.fixture(scope="module")
def ceiling():
    return run(Settings(images=200_000, tuple_length=[1, 2, 3, 5]))


def test_the_ceiling_of_tuples_by_enumerating_which_labels_are_wrong(ceiling):
    for rasterisation, tuple_length in product(["released", "text"], [1, 2, 3, 5]):
        accuracy = ceiling["accuracy"].sel(rasterisation=rasterisation).item()
        right = sum(
            np.prod([1 - accuracy if wrong else accuracy for wrong in case])
            for case in product([0, 1], repeat=tuple_length)
            if sum(case) % 2 == 0
        )
        found = ceiling["tuple_accuracy"].sel(rasterisation=rasterisation, tuple_length=tuple_length)
        assert found.item() == pytest.approx(right)


def test_the_samples_are_the_first_images_of_each_label(ceiling, tmp_path):
    lines = stream("tuples", "sample images").random((160, 4)) * [np.pi, 18, SIZE, SIZE] + [0, 5, 0, 0]
    rising = [drawn_pixel_by_pixel(line, "released") for line in lines if np.tan(line[0]) > 0]
    falling = [drawn_pixel_by_pixel(line, "released") for line in lines if np.tan(line[0]) < 0]
    assert ceiling["label"].values.tolist() == [1, -1]
    np.testing.assert_array_equal(ceiling["sample_image"].sel(label=1), rising[:8])
    np.testing.assert_array_equal(ceiling["sample_image"].sel(label=-1), falling[:8])
    dataset.write(ceiling, tmp_path / "ceiling.nc", {"title": "a ceiling"})


def test_two_images_share_a_picture_just_if_they_are_equal_or_not_ambiguous():
    lines = draw_lines(60_000, "released", np.random.default_rng(0))
    images = rasterise(lines, "released").numpy() > 0
    pictures = _picture(images)
    numbers = {}
    for image, picture in zip(images, pictures, strict=True):
        ambiguous = np.any(image, axis=0).sum() <= 1 or np.any(image, axis=1).sum() <= 1
        assert ambiguous == (picture > 0)
        if ambiguous:
            assert numbers.setdefault(image.tobytes(), picture) == picture
    assert len(set(numbers.values())) == len(numbers)


def test_the_estimate_against_counting_whole_images(ceiling):
    """Learn the better answer to each whole image on one half of the images, test it on the other."""
    lines = draw_lines(200_000, "released", np.random.default_rng(1))
    images = np.packbits(rasterise(lines, "released").numpy().astype(bool).reshape(-1, SIZE * SIZE), axis=1)
    keys, labels = [row.tobytes() for row in images], slope_labels(lines).numpy()
    votes = Counter()
    for key, label in zip(keys[:100_000], labels[:100_000], strict=True):
        votes[key] += label
    tested = [
        (votes[key], label)
        for key, label in zip(keys[100_000:], labels[100_000:], strict=True)
        if key in votes
    ]
    by_images = np.mean([(vote > 0) == (label > 0) if vote else 0.5 for vote, label in tested])
    unseen = 1 - len(tested) / 100_000
    bounds = by_images * (1 - unseen) + unseen * np.array([0.5, 1.0])
    estimate = ceiling.sel(rasterisation="released")
    assert bounds[0] < estimate["accuracy"] < bounds[1] + 0.005
    assert estimate["accuracy"].item() == pytest.approx(0.95, abs=0.005)
    assert estimate["ambiguous_share"].item() == pytest.approx(0.102, abs=0.005)
