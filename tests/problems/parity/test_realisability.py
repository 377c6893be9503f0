"""Lemma 3: the explicit network, input by input."""

from itertools import product

import numpy as np
import pytest
import xarray as xr

from gradient_failures.problems.parity.realisability import FIRST_BUMP, Settings, network_output, run
from gradient_failures.results import dataset

DIMS = list(range(1, 9))


def settings(**changes):
    small = {"exhaustive_dim": [2], "sampled_dim": [30], "sampled_targets": 5, "sampled_inputs": 50}
    return Settings(**{**small, **changes})


@pytest.fixture(scope="module")
def everything():
    return run(settings(exhaustive_dim=DIMS))


@pytest.mark.parametrize("dim", [1, 2, 5, 6])
def test_the_corrected_network_is_the_label_itself_on_every_input(dim):
    inputs = np.array(list(product([0, 1], repeat=dim)))
    for target in inputs:
        labels = [(-1) ** sum(bit for bit, wanted in zip(x, target, strict=True) if wanted) for x in inputs]
        np.testing.assert_array_equal(network_output(inputs, target, FIRST_BUMP["corrected"]), labels)


@pytest.mark.parametrize("dim", [1, 2, 5, 6])
def test_the_published_network_is_wrong_exactly_where_no_bit_of_the_subset_is_set(dim):
    inputs = np.array(list(product([0, 1], repeat=dim)))
    for target in inputs:
        scores = network_output(inputs, target, FIRST_BUMP["published"])
        for x, score in zip(inputs, scores, strict=True):
            count = int(x @ target)
            assert (score * (-1) ** count < 0) == (count == 0)


def test_no_error_is_left_after_the_correction(everything):
    corrected = everything.sel(construction="corrected")
    assert corrected["error_rate"].values.tolist() == [0.0] * (len(DIMS) + 1)
    assert corrected["smallest_margin"].values.tolist() == [1.0] * (len(DIMS) + 1)


@pytest.mark.expects("parity.realisability", "error_rate")
@pytest.mark.parametrize("dim", DIMS)
def test_the_published_error_rate_is_the_chance_of_an_empty_overlap(everything, dim):
    published = everything.sel(construction="published", dim=dim)
    assert published["error_rate"].item() == 0.75**dim
    assert published["smallest_margin"].item() == -1


def test_the_width_is_about_three_halves_of_the_dimension(everything):
    corrected = everything["width"].sel(construction="corrected")
    published = everything["width"].sel(construction="published")
    assert corrected.values.tolist() == [3 * (dim // 2 + 1) for dim in [*DIMS, 30]]
    assert published.values.tolist() == [3 * (dim // 2) for dim in [*DIMS, 30]]


def test_exhaustive_and_sampled_dimensions_are_told_apart(everything):
    assert everything["dim"].values.tolist() == [*DIMS, 30]
    assert everything["exhaustive"].values.tolist() == [1] * len(DIMS) + [0]


def test_a_dimension_in_both_lists_is_exhaustive():
    both = run(settings(exhaustive_dim=[3], sampled_dim=[3, 4]))
    assert both["exhaustive"].values.tolist() == [1, 0]
    assert both["error_rate"].sel(construction="published", dim=3).item() == 0.75**3


def test_sampling_estimates_the_exact_error_rate():
    sampled = run(settings(sampled_dim=[4], sampled_targets=400, sampled_inputs=100))
    rate = sampled["error_rate"].sel(construction="published", dim=4).item()
    assert rate == pytest.approx(0.75**4, abs=0.06)
    assert rate != 0.75**4


def test_the_smallest_margin_is_that_of_a_single_input():
    one = run(settings(sampled_dim=[5], sampled_targets=1)).sel(construction="published", dim=5)
    assert 0 < one["error_rate"] < 1
    assert one["smallest_margin"].item() == -1


def test_two_measurements_are_identical_and_keep_the_data_contract(tmp_path):
    first, second = run(settings()), run(settings())
    xr.testing.assert_identical(first, second)
    dataset.write(first, tmp_path / "realisability.nc", {"title": "lemma 3"})
