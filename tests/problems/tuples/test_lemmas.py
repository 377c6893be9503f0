"""The lemmas behind theorem 3 against enumeration and sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_failures.problems.tuples.lemmas import Settings, agreement, run
from gradient_failures.training.seeds import stream

ANGLES = (np.arange(1000) + 0.5) / 1000 * 2 * np.pi
SETTINGS = Settings(dim=[2, 3], tuple_length=[1, 2], functions=3, cosine=[0.01, 0.5, 1.0], samples=100_000)


def test_agreement_is_the_share_of_directions_on_which_signs_agree():
    angles = (np.arange(200_000) + 0.5) / 200_000 * 2 * np.pi
    for turn in (0.1, 1.0, 1.5, 2.5):
        product = np.sign(np.cos(angles)) * np.sign(np.cos(angles - turn))
        assert agreement(np.cos(turn)) == pytest.approx(product.mean(), abs=1e-4)


def functions_on_a_grid(tuple_length, seed):
    """The functions of one class at d = 2 as vectors of norm 1 over all directions of the inputs."""
    vectors = stream("lemmas", "functions", dim=2, tuple_length=tuple_length, seed=seed).standard_normal(
        (3, 2)
    )
    signs = np.sign(vectors @ [np.cos(ANGLES), np.sin(ANGLES)]) / np.sqrt(len(ANGLES))
    return signs if tuple_length == 1 else np.array([np.outer(one, one).ravel() for one in signs])


@pytest.mark.expects("tuples.lemmas", "share_of_bound_1")
def test_the_share_of_lemma_1_is_that_of_the_worst_function_on_a_grid_of_inputs():
    shares, largest = run(SETTINGS, range(4))["share_of_bound_1"].sel(dim=2), []
    for tuple_length in (1, 2):
        for seed in range(4):
            functions = functions_on_a_grid(tuple_length, seed)
            worst_mean = np.linalg.norm(functions, 2) ** 2 / 3
            products = (functions @ functions.T)[np.triu_indices(3, 1)]
            largest.append(products[np.abs(products).argmax()])
            expected = worst_mean / (1 / 3 + np.abs(products).max())
            assert shares.sel(tuple_length=tuple_length, seed=seed).item() == pytest.approx(
                expected, rel=5e-3
            )
    assert min(largest) < 0 < max(largest)


@pytest.mark.expects("tuples.lemmas", "sampled_share_of_bound_2")
def test_the_share_of_lemma_2_by_counting_signs_and_in_closed_form():
    result = run(SETTINGS, [0])
    inputs = stream("lemmas", "inputs").standard_normal((2, 100_000)).T
    for cosine in (0.01, 0.5, 1.0):
        first, second = (inputs @ vector > 0 for vector in ([1, 0], [cosine, np.sqrt(1 - cosine**2)]))
        agree = np.mean(first == second)
        found = result["sampled_share_of_bound_2"].sel(cosine=cosine).item()
        assert found == pytest.approx((2 * agree - 1) / cosine)
        error = 2 * np.sqrt(agree * (1 - agree) / 100_000) / cosine
        assert result["sampling_error"].sel(cosine=cosine).item() == pytest.approx(error)
    assert result["share_of_bound_2"].values == pytest.approx([2 / np.pi, 2 / 3, 1], rel=1e-3)
    deviation = result["sampled_share_of_bound_2"] - result["share_of_bound_2"]
    assert (abs(deviation) <= 4 * result["sampling_error"] + 1e-12).all()


def test_blocks_of_seeds_differ_in_nothing_but_the_classes():
    together = run(SETTINGS, range(3))
    assert run(SETTINGS, [2]).identical(together.sel(seed=[2]))
    assert together["share_of_bound_1"].dims == ("dim", "tuple_length", "seed")


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
