"""The lemmas behind theorem 3 against enumeration and sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures.diagnostics.lemmas import Settings, agreement, measure

SETTINGS = Settings(
    dim=[3, 10], tuple_length=[1, 3], functions=20, seeds=2, cosine=[0.01, 0.5, 1.0], samples=100_000
)


def test_agreement_is_the_share_of_directions_on_which_signs_agree():
    angles = (np.arange(200_000) + 0.5) / 200_000 * 2 * np.pi
    for turn in (0.1, 1.0, 1.5, 2.5):
        product = np.sign(np.cos(angles)) * np.sign(np.cos(angles - turn))
        assert agreement(np.cos(turn)) == pytest.approx(product.mean(), abs=1e-4)


def test_shares_of_the_bounds():
    result = measure(SETTINGS)
    assert result["share_of_bound_1"].dims == ("dim", "tuple_length", "seed")
    assert (result["share_of_bound_1"] > 0).all()
    assert result["share_of_bound_2"].values == pytest.approx([2 / np.pi, 2 / 3, 1], rel=1e-3)
    deviation = result["sampled_share_of_bound_2"] - result["share_of_bound_2"]
    assert (abs(deviation) <= 4 * result["sampling_error"] + 1e-12).all()


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 2**32))
def test_lemma_1_for_any_unit_functions(n, dim, seed):
    """The bound on the mean of squared inner products, at a random g and at the worst one."""
    rng = np.random.default_rng(seed)
    functions = rng.standard_normal((dim, n))
    functions /= np.linalg.norm(functions, axis=0)
    products = functions.T @ functions
    largest_product = np.abs(products - np.eye(n)).max()
    values, vectors = np.linalg.eigh(functions @ functions.T)
    for g in (rng.standard_normal(dim), vectors[:, -1]):
        mean = np.square(functions.T @ g).mean() / np.square(g).sum()
        assert mean <= values[-1] / n + 1e-12
        assert mean <= 1 / n + largest_product + 1e-12


def test_the_share_of_lemma_1_is_that_of_the_worst_function():
    """Functions on the signs of two inputs, as vectors over all orthants, k = 1 and d = 2."""
    rng = np.random.default_rng(0)
    angles = (np.arange(20_000) + 0.5) / 20_000 * 2 * np.pi
    inputs = np.stack([np.cos(angles), np.sin(angles)])
    vectors = rng.standard_normal((5, 2))
    functions = np.sign(vectors @ inputs) / np.sqrt(inputs.shape[1])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert functions @ functions.T == pytest.approx(agreement(unit @ unit.T), abs=1e-3)
