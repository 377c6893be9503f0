"""The surfaces of the graphical summary against the problems they come from."""

import numpy as np
import pytest
import torch

from gradient_failures.problems.flat_activations.experiment import LEVELS
from gradient_failures.problems.summary.loss_surfaces import (
    Settings,
    flat_losses,
    periodic_losses,
    run,
    tuple_losses,
    window_eigenvalues,
)
from gradient_failures.problems.tuples.images import draw_lines, pixels_of, slope_labels
from gradient_failures.problems.tuples.networks import TupleNetwork
from gradient_failures.training.seeds import stream

SETTINGS = Settings(
    positions=21,
    targets=3,
    target_dim=10,
    target_norm=5.0,
    tuple_length=2,
    tuples=30,
    tuples_shown=4,
    n_points=20,
    flat_samples=3,
)


def test_periodic_surfaces_differ_only_at_their_own_target():
    distance = np.linspace(0, 10, 21)
    losses = periodic_losses(SETTINGS, distance)
    assert losses[0, 10] == pytest.approx(0, abs=1e-10)  # the first target is at half the line
    far = distance >= 3  # from the origin and its mirror image
    assert losses[1:, far] == pytest.approx(1, abs=0.05)


def test_tuple_losses_are_those_of_a_network_with_moved_weights():
    change = np.array([-0.5, 0.0, 1.0])
    losses = tuple_losses(SETTINGS, change)
    axes = {"tuple_length": 2, "seed": 0}
    network = TupleNetwork(
        2, "released", [stream("tuples", "score weights", seed=0)], [stream("tuples", "weights", **axes)]
    )
    lines = draw_lines(60, "released", stream("loss_surfaces", "tuples", **axes))
    pixels, labels = pixels_of(lines, "released")[None], slope_labels(lines)
    output = network.score_network.dense[-1]
    start = output.clone()
    scores = network.score_network.scores
    output.requires_grad_()
    (1 - labels * scores(pixels)).clamp_min(0).mean().backward()
    direction = output.grad[:, :-1] / output.grad[:, :-1].norm() * start[:, :-1].norm()
    for losses_there, step in zip(losses.T, change, strict=True):
        with torch.no_grad():
            output[:, :-1] = start[:, :-1] + step * direction
            (outputs,), _ = network.outputs(pixels)
        expected = (1 - labels.view(-1, 2).prod(1) * outputs).clamp_min(0)
        assert losses_there == pytest.approx(expected.numpy(), abs=2e-4)


def test_flat_losses_are_differences_of_levels_and_zero_at_the_true_bias():
    losses = flat_losses(SETTINGS, np.linspace(-0.3, 0.3, 101))
    assert (losses[:, 50] == 0).all()
    differences = np.abs(np.subtract.outer(LEVELS, LEVELS)).ravel()
    assert np.isclose(np.sqrt(2 * losses)[..., np.newaxis], differences, atol=1e-5).any(-1).all()
    assert losses.max() > 0


def test_the_filter_problem_is_ill_conditioned():
    values = window_eigenvalues(SETTINGS)
    assert values.shape == (3,)
    assert values[-1] / values[0] > 100


def test_what_is_kept():
    result = run(SETTINGS, [])
    for name, ends in {"distance": [0, 10], "weight_change": [-1, 1], "bias_change": [-0.3, 0.3]}.items():
        assert result[name].values[[0, -1]].tolist() == ends
    tuples = tuple_losses(SETTINGS, result["weight_change"].values)
    for name, expected in {
        "periodic_loss": periodic_losses(SETTINGS, result["distance"].values),
        "tuple_loss": tuples[:4],
        "mean_tuple_loss": tuples.mean(0),
        "eigenvalue": window_eigenvalues(SETTINGS),
        "flat_loss": flat_losses(SETTINGS, result["bias_change"].values.copy()),
    }.items():
        np.testing.assert_array_equal(result[name], expected, err_msg=name)
