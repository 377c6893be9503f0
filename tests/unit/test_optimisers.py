"""The optimisers against their formulas."""

import numpy as np
import pytest
import torch

from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig
from gradient_failures.optimisers import optimiser_of

CONSTANTS = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-2}


def by_formula(start, gradients, form):
    rate, beta1, beta2, epsilon = CONSTANTS.values()
    weights, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step, gradient in enumerate(gradients, start=1):
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        if form == "tensorflow":
            corrected = rate * np.sqrt(1 - beta2**step) / (1 - beta1**step)
            weights = weights - corrected * mean / (np.sqrt(square) + epsilon)
        else:
            root = np.sqrt(square / (1 - beta2**step))
            weights = weights - rate * mean / (1 - beta1**step) / (root + epsilon)
    return weights


def trained(config, start, gradients):
    weights = torch.from_numpy(start.copy())
    optimiser = optimiser_of([weights], config)
    for gradient in gradients:
        weights.grad = torch.from_numpy(gradient)
        optimiser.step()
    return weights.numpy()


def by_class(start, gradients, form):
    return trained(AdamConfig(**CONSTANTS, epsilon_form=form), start, gradients)


def problem(steps):
    rng = np.random.default_rng(steps)
    return rng.standard_normal(7), rng.standard_normal((steps, 7)) * 0.05


@pytest.mark.parametrize("form", ["tensorflow", "torch"])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_adam_follows_its_formula(form, steps):
    start, gradients = problem(steps)
    np.testing.assert_allclose(
        by_class(start, gradients, form), by_formula(start, gradients, form), rtol=1e-12
    )


def test_the_two_forms_differ_in_the_first_step():
    gradients = np.full((1, 3), 0.01)
    first, second = (by_class(np.zeros(3), gradients, form) for form in ("tensorflow", "torch"))
    assert np.abs(first - second).min() > 1e-3


def test_sgd_subtracts_the_gradients():
    start, gradients = problem(20)
    weights = trained(SGDConfig(kind="sgd", learning_rate=0.3), start, gradients)
    np.testing.assert_allclose(weights, start - 0.3 * gradients.sum(0), rtol=1e-12)


def test_adagrad_divides_by_the_root_of_the_sum_of_squares():
    start, gradients = problem(20)
    weights = trained(AdagradConfig(kind="adagrad", learning_rate=0.3, epsilon=1e-2), start, gradients)
    roots = np.sqrt(np.cumsum(gradients**2, axis=0)) + 1e-2
    np.testing.assert_allclose(weights, start - 0.3 * (gradients / roots).sum(0), rtol=1e-12)
