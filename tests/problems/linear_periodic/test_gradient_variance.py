"""Theorem 2's objective and variance: closed forms against quadrature, autograd and samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma, roots_jacobi

from gradient_failures.problems.linear_periodic.gradient_variance import (
    Settings,
    largest_variance,
    loss,
    run,
    target_gradient,
    variance,
)
from gradient_failures.problems.quadrature import sphere_angles
from gradient_failures.results import dataset

SMALL = {
    "target": [2.0, 2.0],
    "surface_extent": 4.0,
    "surface_points": 9,
    "dim": [2, 5, 20],
    "radius": [1.0, 2.0, 4.0],
    "joint_size": [2, 5, 10],
    "sampled_targets": 20_000,
}

vectors = st.lists(st.floats(-3, 3), min_size=2, max_size=2).map(np.array)


def loss_by_quadrature(weights, target):
    nodes, masses = np.polynomial.hermite_e.hermegauss(60)
    masses = masses / masses.sum()
    x = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1)
    square = (np.cos(x @ weights) - np.cos(x @ target)) ** 2
    return masses @ square @ masses


@given(vectors, vectors)
def test_the_loss_is_the_mean_square_over_gaussian_inputs(weights, target):
    assert loss(weights, target) == pytest.approx(loss_by_quadrature(weights, target), abs=1e-9)


def test_the_loss_in_more_dimensions_is_what_samples_give():
    rng = np.random.default_rng(0)
    weights, target, x = rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal((200_000, 4))
    values = (np.cos(x @ weights) - np.cos(x @ target)) ** 2
    assert abs(values.mean() - loss(weights, target)) < 4 * values.std() / np.sqrt(len(values))


@given(vectors, vectors, vectors)
def test_the_part_of_the_gradient_that_depends_on_the_target(weights, first, second):
    def gradient(target):
        w, v = torch.tensor(weights, requires_grad=True), torch.tensor(target)
        values = sum(-torch.exp(-(w + sign * v).square().sum() / 2) for sign in (1, -1))
        (values + torch.exp(-2 * w.square().sum()) / 2).backward()
        return w.grad.numpy()

    here = target_gradient(weights, np.stack([first, second]))
    np.testing.assert_allclose(here[0] - here[1], gradient(first) - gradient(second), atol=1e-12)


@given(vectors, vectors)
def test_the_gradient_is_the_slope_of_the_loss(weights, target):
    step = 1e-5
    slopes = [(loss(weights + h, target) - loss(weights - h, target)) / (2 * step) for h in step * np.eye(2)]
    own = -2 * weights * np.exp(-2 * weights @ weights)
    expected = own + target_gradient(weights, target[np.newaxis])[0]
    np.testing.assert_allclose(slopes, expected, atol=1e-8)


@pytest.mark.parametrize("norm", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("radius", [0.7, 3.0])
def test_the_variance_in_two_dimensions_is_that_over_a_circle(norm, radius):
    angles = 2 * np.pi * np.arange(2000) / 2000
    targets = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    gradients = target_gradient(np.array([0.0, norm]), targets)
    expected = gradients.var(axis=0).sum()
    assert variance(2, radius, norm) == pytest.approx(expected, rel=1e-10)


@given(st.integers(2, 60), st.floats(0.5, 4), st.floats(0.2, 4))
def test_the_variance_does_not_exceed_the_second_moment_and_vanishes_at_the_origin(dim, radius, norm):
    assert 0 < variance(dim, radius, norm) <= (norm + radius) ** 2 * 4
    assert variance(dim, radius, 0.0) == pytest.approx(0, abs=1e-25)


def test_the_variance_agrees_with_sampled_targets():
    result = run(Settings(**SMALL))
    exact = result["variance"].sel(weights="initial")
    deviations = (result["sampled_variance"] - exact) / result["sampled_error"]
    assert np.abs(deviations).max() < 4
    assert (result["sampled_error"] / exact).max() < 0.1


@given(st.integers(2, 30), st.floats(1, 10), st.floats(0, 1))
def test_no_norm_has_a_larger_variance_than_the_largest(dim, radius, share):
    found, norm = largest_variance(dim, radius)
    assert variance(dim, radius, share * (radius + 3)) <= found * (1 + 1e-9)
    assert variance(dim, radius, norm) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize(("dim", "radius"), [(3, 300.0), (6, 300.0)])
def test_far_out_the_largest_variance_is_that_of_two_caps(dim, radius):
    """∇F = δ e^(-δ²/2) around ±w: E‖∇F‖² = 2/area ∫ ‖δ‖² e^(-‖δ‖²) over the tangent space."""
    expected = (dim - 1) * gamma(dim / 2) / (2 * np.sqrt(np.pi) * radius ** (dim - 1))
    found = max(variance(dim, radius, radius + np.linspace(-1, 1, 81)))
    assert found == pytest.approx(expected, rel=0.3)
    assert variance(dim, radius, radius) == pytest.approx(expected, rel=0.01)


@given(st.integers(2, 800))
def test_the_angle_has_the_moments_of_a_uniform_direction(dim):
    angles, weights = sphere_angles(dim)
    cosine = np.cos(angles)
    assert weights.sum() == pytest.approx(1)
    assert cosine @ weights == pytest.approx(0, abs=1e-14)
    assert cosine**2 @ weights == pytest.approx(1 / dim, rel=1e-12)
    assert cosine**4 @ weights == pytest.approx(3 / (dim * (dim + 2)), rel=1e-12)


def by_definition(dim, radius, norms):
    """Variances of the gradient at weights of these ``norms``, in the plane of w and v.

    The cosine of the angle between them has the density (1 - t²)^((d - 3)/2): Gauss-Jacobi is its quadrature.
    """
    cosine, masses = roots_jacobi(120, (dim - 3) / 2, (dim - 3) / 2)
    targets = radius * np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1)
    weights = np.stack([norms, 0 * norms], axis=1)[:, np.newaxis]
    gradients = sum(
        (weights + sign * targets) * np.exp(-np.square(weights + sign * targets).sum(2, keepdims=True) / 2)
        for sign in (-1, 1)
    )
    masses = masses / masses.sum()
    along, second = gradients[:, :, 0] @ masses, np.square(gradients).sum(2) @ masses
    return second - along**2


def largest_by_grid(dim, radius):
    return by_definition(dim, radius, np.linspace(0, radius + 4, 2001)).max()


@pytest.mark.expects(
    "linear_periodic.gradient_variance",
    "log_slope_in_dim",
    "log_slope_in_radius",
    "joint_log_slope",
    "power_over_expected",
)
def test_slopes_are_those_of_the_largest_variances_on_a_fine_grid():
    dims, radii = [2, 5, 9], [1.0, 3.0, 5.0, 8.0]
    axes = {"dim": dims, "radius": radii, "joint_size": [2, 4, 9], "sampled_targets": 2}
    found = run(Settings(**{**SMALL, **axes}))
    worst = np.log([[largest_by_grid(dim, radius) for radius in radii] for dim in dims])
    joint = np.log([largest_by_grid(size, size) for size in (2, 4, 9)])
    within = {"rtol": 0, "atol": 3e-5}
    np.testing.assert_allclose(np.log(found["variance"].sel(weights="worst")), worst, **within)
    np.testing.assert_allclose(np.log(found["joint_variance"]), joint, **within)
    initial = [[by_definition(dim, radius, np.array([1.0])).item() for radius in radii] for dim in dims]
    np.testing.assert_allclose(found["variance"].sel(weights="initial"), initial, rtol=1e-9)
    for place in np.ndindex(3, 4):
        norm = found["worst_norm"].values[place]
        at_worst = by_definition(dims[place[0]], radii[place[1]], np.array([norm])).item()
        np.testing.assert_allclose(np.log(at_worst), worst[place], **within)
    in_dim = [(worst[1] - worst[0]) / 3, (worst[2] - worst[1]) / 4]
    np.testing.assert_allclose(found["log_slope_in_dim"], in_dim, **within)
    in_radius = [(row[1:] - row[:-1]) / [2, 2, 3] for row in worst]
    np.testing.assert_allclose(found["log_slope_in_radius"], in_radius, **within)
    np.testing.assert_allclose(
        found["joint_log_slope"], [(joint[1] - joint[0]) / 2, (joint[2] - joint[1]) / 5], **within
    )
    powers = (worst[:, 2] - worst[:, 3]) / np.log(8 / 5) / [1, 4, 8]
    np.testing.assert_allclose(found["power_over_expected"], powers, **within)
    assert found["larger_dim"].values.tolist() == dims[1:]
    assert found["larger_radius"].values.tolist() == radii[1:]
    assert found["larger_joint_size"].values.tolist() == [4, 9]


def test_the_surface_is_the_loss_on_a_grid():
    surface = run(Settings(**{**SMALL, "sampled_targets": 2}))["surface"]
    assert surface.sel(first_weight=2, second_weight=2) == pytest.approx(0, abs=1e-12)
    assert surface.sel(first_weight=-1, second_weight=3) == loss(np.array([-1.0, 3.0]), np.array([2.0, 2.0]))


def test_the_measurement_keeps_the_data_contract(tmp_path):
    dataset.write(run(Settings(**SMALL)), tmp_path / "periodic.nc", {"title": "theorem 2"})


def test_at_a_fixed_dimension_the_fall_is_a_power_of_the_norm():
    result = run(Settings(**{**SMALL, "dim": [2, 4], "radius": [20.0, 25.0], "sampled_targets": 2}))
    np.testing.assert_allclose(result["power_over_expected"], 1, atol=0.01)
