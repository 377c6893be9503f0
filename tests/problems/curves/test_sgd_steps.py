"""Runs as products of steps against SGD on the training problem itself, and against their expectation."""

import numpy as np
import pytest
import torch
import xarray as xr

from gradient_failures.problems.curves.conditioning import curve_moments, window_moment
from gradient_failures.problems.curves.experiment import draw_curves, kinks_of, model_of, windows
from gradient_failures.problems.curves.sgd_steps import (
    PROBLEMS,
    SOLUTION,
    Settings,
    descent,
    features,
    first_passage,
    predicted_steps,
    run,
)
from gradient_failures.results import dataset
from gradient_failures.training.seeds import stream

each_problem = pytest.mark.parametrize("problem", PROBLEMS)


def settings(**changes):
    small = {
        "n_points": 10,
        "training_curves": 60,
        "batch_size": 8,
        "error_level": 0.1,
        "max_steps": 5000,
    }
    return Settings(**{**small, **changes})


@each_problem
def test_a_run_is_sgd_on_the_model_of_the_training(problem):
    """Errors of 40 steps against torch's SGD on the loss that the training code differentiates."""
    curves = draw_curves("figure", 20, 60, "train", seed=0).double()
    basis, moments = features(problem, curve_moments(curves))
    target = torch.linalg.solve(basis, SOLUTION)
    batches = torch.from_numpy(np.random.default_rng(0).integers(0, 60, (40, 8)))
    path = descent(-target.numpy(), moments, batches)

    model = model_of(problem, curves[None], 8, [0])
    largest = torch.linalg.eigvalsh(moments.mean(0))[-1].item()
    sgd = torch.optim.SGD(model.parameters, lr=1 / (2 * largest))
    for batch, error in zip(batches, path, strict=True):
        model.set_gradients(batch)
        sgd.step()
        np.testing.assert_allclose(
            model.weights[0, :, 0].numpy() - target.numpy(), error, rtol=1e-6, atol=1e-9
        )


@each_problem
def test_the_step_size_is_one_over_the_largest_eigenvalue_of_the_hessian(problem):
    """On a batch of the whole training set, the error along the top eigenvector is gone in one step."""
    curves = draw_curves("figure", 20, 60, "train", seed=0).double()
    _, moments = features(problem, curve_moments(curves))
    top = torch.linalg.eigh(moments.mean(0)).eigenvectors[:, -1].numpy()
    (after,) = descent(top, moments, torch.arange(60)[None])
    np.testing.assert_allclose(after, 0, atol=1e-12)


@each_problem
def test_the_passage_is_the_first_step_at_which_the_slope_changes_are_right(problem):
    """Relative error of the slope changes of fresh curves, measured on the curves, around the passage."""
    needed = int(first_passage(problem, 0, settings(training_curves=2000, batch_size=50)))
    curves = draw_curves("figure", 10, 2000, "train", seed=0).double()
    basis, moments = features(problem, curve_moments(curves))
    batches = stream("curve_steps", "batches", n_points=10, seed=0).integers(0, 2000, (needed, 50))
    start = -torch.linalg.solve(basis, SOLUTION)
    path = np.vstack([start, descent(start.numpy(), moments, torch.from_numpy(batches))])
    fresh = draw_curves("figure", 10, 20000, "fresh").double()
    wrong = windows(fresh) @ basis @ torch.from_numpy(path[[-2, -1]]).t()
    before, after = (wrong.square().mean((0, 1)) / kinks_of(fresh).square().mean()).sqrt().tolist()
    assert after <= 0.1 * 1.02
    assert before > 0.1 * 0.98
    assert after < before


def test_a_full_batch_needs_the_steps_that_the_condition_number_predicts():
    """Gradient descent with the exact moment, whose last direction decides."""
    moment = torch.from_numpy(window_moment("figure", 50))
    steps = int(predicted_steps(50, 0.1) * 1.2)
    path = descent(-SOLUTION.numpy(), moment[None], torch.zeros((steps, 1), dtype=torch.int64))
    squares = np.einsum("ti,ij,tj->t", path, moment.numpy(), path)
    size = np.sqrt(squares / (SOLUTION @ moment @ SOLUTION).item())
    assert np.argmax(size <= 0.1) + 1 == pytest.approx(predicted_steps(50, 0.1), rel=0.01)


@pytest.mark.expects("curves.sgd_steps", "steps_needed", "steps_over_predicted")
def test_the_steps_of_runs_by_sgd_on_the_windows_themselves():
    """Filters of three taps trained on batches of windows and their slope changes, step by step."""
    result = run(settings(), [0, 2])
    exact = window_moment("figure", 10)
    predicted = np.linalg.cond(exact) * np.log(10)
    assert result["predicted_steps"].item() == pytest.approx(predicted, rel=1e-6)
    for seed in (0, 2):
        at = result.sel(seed=seed)
        for problem in PROBLEMS:
            assert at["steps_needed"].sel(problem=problem) == steps_of_sgd(problem, seed, exact)
        ratio = at["steps_needed"].sel(problem="convolutional").item() / predicted
        assert at["steps_over_predicted"].item() == pytest.approx(ratio, rel=1e-6)
    assert (result["steps_needed"][0] != result["steps_needed"][1]).all()


def steps_of_sgd(problem, seed, exact):
    """Steps until the mean squared error of the slope changes is a hundredth of their mean square."""
    curves = draw_curves("figure", 10, 60, "train", seed=seed).double()
    rows, kinks = windows(curves).numpy(), kinks_of(curves).numpy()
    root = np.eye(3)
    if problem == "preconditioned":
        values, vectors = np.linalg.eigh(np.einsum("cti,ctj->ij", rows, rows) / kinks.size)
        root = vectors / np.sqrt(values) @ vectors.T
    rows = rows @ root
    rate = kinks.size / np.linalg.norm(2 * np.einsum("cti,ctj->ij", rows, rows), 2)
    rng, weights = stream("curve_steps", "batches", n_points=10, seed=seed), np.zeros(3)
    batches = rng.integers(0, 60, (1000, 8))
    for step, batch in enumerate(batches, 1):
        error = rows[batch] @ weights - kinks[batch]
        weights = weights - rate * 2 / error.size * np.einsum("ct,cti->i", error, rows[batch])
        left = root @ weights - [1, -2, 1]
        if left @ exact @ left <= 0.01 * ([1, -2, 1] @ exact @ [1, -2, 1]):
            return step
    raise AssertionError("not there after all steps")


def test_a_run_given_up_is_censored_at_its_steps():
    result = run(settings(error_level=1e-9, max_steps=5), range(2))
    assert (result["censored"] == 1).all()
    assert (result["steps_needed"] == 5).all()
    assert (run(settings(), range(2))["censored"] == 0).all()


def test_a_budget_of_exactly_the_steps_needed_is_enough():
    needed = int(first_passage("convolutional", 0, settings()))
    assert needed > 1
    assert first_passage("convolutional", 0, settings(max_steps=needed)) == needed
    assert first_passage("convolutional", 0, settings(max_steps=needed - 1)) == np.inf


def test_the_data_contract_is_kept_and_seeds_split(tmp_path):
    result = run(settings(), range(2))
    dataset.write(result, tmp_path / "steps.nc", {"title": "steps"})
    xr.testing.assert_identical(run(settings(), [1]), result.sel(seed=[1]))
    assert result["predicted_steps"].dims == ()
