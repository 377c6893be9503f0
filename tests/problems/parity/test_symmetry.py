"""Why parities of an odd number of bits start without any signal when inputs are ±1 and biases 0."""

import itertools

import numpy as np
import pytest

DIM = 6
INPUTS = np.array(list(itertools.product([-1, 1], repeat=DIM)))


@pytest.mark.parametrize("size", range(DIM + 1))
def test_relu_without_bias_is_uncorrelated_with_odd_parities_of_three_bits_or_more(size):
    weights = np.random.default_rng(size).standard_normal((DIM, 200))
    parity = INPUTS[:, :size].prod(axis=1)
    correlations = parity @ np.maximum(INPUTS @ weights, 0) / len(INPUTS)
    if size % 2 and size >= 3:
        assert np.abs(correlations).max() < 1e-15
    else:
        assert np.abs(correlations).mean() > 1e-3
