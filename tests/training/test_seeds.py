"""Named random streams."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gradient_failures.training.seeds import stream

NAMES = st.text(alphabet="abcdefgh_", min_size=1, max_size=8)
AXES = st.dictionaries(
    NAMES.filter(lambda name: not name.startswith("_")),
    st.integers(0, 1000) | st.text(alphabet="abc0123", max_size=4),
    max_size=4,
)


def draws(experiment="parity", purpose="data", **axes):
    return stream(experiment, purpose, **axes).integers(0, 2**62, size=4).tolist()


@given(axes=AXES)
def test_the_same_names_give_the_same_numbers(axes):
    assert draws(**axes) == draws(**axes)


@given(axes=AXES)
def test_the_order_of_the_axes_does_not_matter(axes):
    assert draws(**axes) == draws(**dict(reversed(axes.items())))


@given(one=AXES, other=AXES)
def test_different_axes_give_different_numbers(one, other):
    assume(one != other)
    assert draws(**one) != draws(**other)


@pytest.mark.parametrize(
    "changed",
    [
        {"experiment": "tuples"},
        {"purpose": "target"},
        {"dim": 11},
        {"seed": 4},
        {"dim": 3, "seed": 10},
        {"dim": "10"},
        {"encoding": "bits"},
    ],
)
def test_every_part_of_the_name_counts(changed):
    assert draws(**{"dim": 10, "seed": 3, **changed}) != draws(dim=10, seed=3)


def test_digits_do_not_move_from_one_axis_to_the_next():
    assert draws(dim=1, seed=11) != draws(dim=11, seed=1) != draws(dim=111)


def test_a_stream_is_the_same_in_every_process_and_on_every_machine():
    assert stream("parity", "data", dim=10, seed=3).bit_generator.random_raw() == 11995941352425038700


def test_streams_of_neighbouring_seeds_are_uncorrelated():
    samples = np.array([stream("parity", "data", seed=seed).standard_normal(2000) for seed in range(40)])
    correlations = np.corrcoef(samples) - np.eye(len(samples))
    assert np.abs(correlations).max() < 5 / np.sqrt(2000)
    assert np.abs(samples.mean(axis=1)).max() < 5 / np.sqrt(2000)
