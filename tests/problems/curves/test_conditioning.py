"""Condition numbers in closed form against enumeration, sampling, exact arithmetic and literal iteration."""

from itertools import combinations

import numpy as np
import pytest
import torch
import xarray as xr
from mpmath import mp, svd_r

from gradient_failures.problems.curves.conditioning import (
    BETA,
    Settings,
    condition_number,
    curve_moments,
    iterations_needed,
    kink_moment,
    run,
    singular_values,
    window_moment,
)
from gradient_failures.problems.curves.experiment import (
    SLOPES,
    curves_of,
    draw_kinks,
    inverse_root,
    second_moment,
    windows,
)
from gradient_failures.results import dataset
from gradient_failures.training.seeds import stream

each_distribution = pytest.mark.parametrize("distribution", ["figure", "text"])


def measured(n_points, training_curves=(10,), seeds=(0,)):
    return run(Settings(n_points=list(n_points), training_curves=list(training_curves)), list(seeds))


def decoder(n):
    """W_ij = [i - j + 1]₊."""
    i, j = np.indices((n, n))
    return np.maximum(i - j + 1, 0).astype(float)


def every_curve(n):
    """All curves of the figure: every set of kinks with every sequence of slopes, shape (curves, n)."""
    rows = []
    for places in combinations(range(3, n - 3), 3):
        for slopes in SLOPES:
            x = np.arange(n)
            changes = np.diff(slopes, prepend=0)
            rows.append(
                sum(c * np.maximum(x - place + 1, 0) for c, place in zip(changes, places, strict=True))
            )
    return np.array(rows, dtype=float)


def moment_of(curves):
    """E[w wᵀ] over all windows of ``curves`` (count, n), position by position."""
    count, n = curves.shape
    before = np.hstack([np.zeros((count, 2)), curves])
    total = np.zeros((3, 3))
    for t in range(n):
        window = before[:, t : t + 3]
        total += window.T @ window
    return total / (count * n)


@pytest.mark.parametrize("n", [9, 10, 14])
def test_the_moment_of_the_figures_curves_by_enumeration_of_all(n):
    curves = every_curve(n)
    np.testing.assert_allclose(window_moment("figure", n), moment_of(curves), rtol=1e-12)
    p = np.linalg.solve(decoder(n), curves.T).T
    np.testing.assert_allclose(kink_moment("figure", n).numpy(), p.T @ p / len(p), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [9, 12])
def test_the_moment_of_the_texts_curves_by_enumeration_of_places_and_quadrature_of_slopes(n):
    nodes, weights = np.polynomial.legendre.leggauss(2)
    total, places = np.zeros((3, 3)), list(combinations(range(n), 3))
    for kinks in places:
        for at in np.ndindex(2, 2, 2):
            p = np.zeros(n)
            p[list(kinks)] = nodes[list(at)]
            total += np.prod(weights[list(at)] / 2) * moment_of((decoder(n) @ p)[np.newaxis])
    np.testing.assert_allclose(window_moment("text", n), total / len(places), rtol=1e-12)


@each_distribution
def test_the_exact_moment_is_that_of_the_curves_that_are_trained_on(distribution):
    curves = curves_of(draw_kinks(distribution, 40, 20000, np.random.default_rng(0)))
    moments = curve_moments(curves).numpy()
    torch.testing.assert_close(torch.from_numpy(moments.mean(0)), second_moment(windows(curves)))
    error = (moments.mean(0) - window_moment(distribution, 40)) / (moments.std(0) / len(moments) ** 0.5)
    assert np.abs(error).max() < 4


@pytest.mark.parametrize("n", [2, 9, 30])
def test_singular_values_of_w_with_fifty_digits(n):
    with mp.workdps(50):
        _, values, _ = svd_r(mp.matrix(decoder(n).tolist()))
        expected = np.array([float(value) for value in values])
    np.testing.assert_allclose(singular_values(n), expected, rtol=1e-11)


@pytest.mark.parametrize("n", [100, 400])
def test_both_ends_of_the_spectrum_are_largest_singular_values(n):
    values = singular_values(n)
    inverse = np.eye(n) - 2 * np.eye(n, k=-1) + np.eye(n, k=-2)
    assert values[0] == pytest.approx(np.linalg.norm(decoder(n), 2), rel=1e-9)
    assert values[-1] == pytest.approx(1 / np.linalg.norm(inverse, 2), rel=1e-12)


def test_beta_is_the_first_root_of_its_equation():
    assert np.cos(BETA) * np.cosh(BETA) == pytest.approx(-1, abs=1e-12)
    x = np.linspace(0, BETA * (1 - 1e-6), 1000)
    assert (np.cos(x) * np.cosh(x) > -1).all()


def test_the_law_is_approached_like_one_over_n():
    excess = measured([50, 100, 200, 400])["linear_over_law"].values - 1
    np.testing.assert_allclose(excess[:-1] / excess[1:], 2, rtol=0.05)


def distance_after(n, step_size, iterations):
    """‖E[U_t] - W⁻¹‖ for E[p pᵀ] = I/n after t iterations, from the power of the matrix of one of them."""
    w = decoder(n)
    moment = w @ w.T
    one = np.eye(n) - step_size * moment / np.linalg.eigvalsh(moment)[-1]
    return np.linalg.norm(np.linalg.inv(w) @ np.linalg.matrix_power(one, iterations), 2)


@pytest.mark.expects(
    "curves.conditioning",
    "linear_condition_number",
    "linear_over_law",
    "iterations_bound",
    "bound_over_needed",
)
def test_the_linear_problem_from_the_matrix_itself():
    """κ(WᵀW) of W in full, the law with β to four digits, and gradient descent iterated."""
    result = measured([10, 12])
    for n in (10, 12):
        at, w = result.sel(n_points=n), decoder(n)
        condition = np.linalg.cond(w.T @ w)
        assert at["linear_condition_number"].item() == pytest.approx(condition, rel=1e-6)
        assert at["linear_over_law"].item() == pytest.approx(condition / (16 / 1.8751**4 * n**4), rel=1e-3)
        assert at["iterations_bound"].item() == pytest.approx(condition / 2 - 1, rel=1e-6)
        for size in (1.0, 2.0):
            needed = at["iterations_needed"].sel(step_size=size).item()
            before, after = (distance_after(n, size, count) for count in (needed - 1, needed))
            assert after <= 0.5 < before
            share = (condition / 2 - 1) / needed
            assert at["bound_over_needed"].sel(step_size=size).item() == pytest.approx(share, rel=1e-6)


def test_the_condition_number_of_the_paper_s_size():
    """Computed elsewhere, to four digits."""
    assert measured([100])["linear_condition_number"].item() == pytest.approx(1.346e8, rel=5e-4)


@pytest.mark.parametrize("step_size", [0.5, 1.9])
def test_iterations_needed_at_other_step_sizes(step_size, n=9):
    needed = iterations_needed(singular_values(n), step_size)
    assert distance_after(n, step_size, needed) <= 0.5 < distance_after(n, step_size, needed - 1)
    distances = [distance_after(n, step_size, count) for count in range(0, needed, needed // 20)]
    assert (np.diff(distances) <= 1e-9).all()


def test_a_step_size_beyond_the_theorem_would_break_the_bound():
    """The smallest singular value alone, with steps five times as large, is found before the bound."""
    values = singular_values(50)
    bound = (values[0] / values[-1]) ** 2 / 2 - 1
    assert iterations_needed(values, 2.0) > bound > iterations_needed(values, 5.0)


@pytest.mark.expects("curves.conditioning", "filter_condition_number", "preconditioned_condition_number")
def test_the_filter_problem_by_enumeration_and_by_whitening_the_windows_themselves():
    """κ(C) from all curves of the figure; what is left, from windows times the root of the estimate."""
    result = measured([10, 14], [15, 40], [0, 5])
    for n in (10, 14):
        exact = moment_of(every_curve(n))
        at = result.sel(n_points=n, curve_distribution="figure")
        assert at["filter_condition_number"].item() == pytest.approx(np.linalg.cond(exact), rel=1e-6)
        for seed in (0, 5):
            names = {"curve_distribution": "figure", "n_points": n, "seed": seed}
            p = draw_kinks("figure", n, 40, stream("conditioning", "curves", **names)).numpy()
            for count in (15, 40):
                values, vectors = np.linalg.eigh(moment_of(p[:count] @ decoder(n).T))
                whitening = vectors / np.sqrt(values)
                left = np.linalg.cond(whitening.T @ exact @ whitening)
                measured_left = at["preconditioned_condition_number"].sel(seed=seed, training_curves=count)
                assert measured_left.item() == pytest.approx(left, rel=1e-6)


@each_distribution
def test_preconditioning_is_that_of_the_training(distribution):
    exact = window_moment(distribution, 30)
    curves = curves_of(draw_kinks(distribution, 30, 50, np.random.default_rng(1)))
    estimate = second_moment(windows(curves))
    root = inverse_root(estimate).numpy()
    values = np.linalg.eigvalsh(root @ exact @ root)
    assert condition_number(exact, estimate.numpy()) == pytest.approx(values[-1] / values[0], rel=1e-8)


def test_more_curves_estimate_a_better_preconditioner():
    runs = measured([30], [10, 100, 1000], range(10))["preconditioned_condition_number"]
    medians = (runs - 1).median("seed").squeeze("n_points")
    assert (medians > 0).all()
    np.testing.assert_allclose(medians.values[:, :-1] / medians.values[:, 1:], 10**0.5, rtol=0.8)


def test_the_data_contract_is_kept_and_seeds_split(tmp_path):
    result = measured([10, 20], [10, 30], range(3))
    dataset.write(result, tmp_path / "conditioning.nc", {"title": "conditioning"})
    xr.testing.assert_identical(measured([10, 20], [10, 30], [1, 2]), result.isel(seed=[1, 2]))
    over_seeds = {name for name, variable in result.data_vars.items() if "seed" in variable.dims}
    assert over_seeds == {"preconditioned_condition_number"}
