"""Adam against its formulas, in both forms."""

import numpy as np
import pytest
import torch

from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.optimisers import Adam

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


def by_class(start, gradients, form):
    weights = torch.from_numpy(start.copy())
    adam = Adam([weights], AdamConfig(**CONSTANTS, epsilon_form=form))
    for gradient in gradients:
        weights.grad = torch.from_numpy(gradient)
        adam.step()
    return weights.numpy()


@pytest.mark.parametrize("form", ["tensorflow", "torch"])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_adam_follows_its_formula(form, steps):
    rng = np.random.default_rng(steps)
    start, gradients = rng.standard_normal(7), rng.standard_normal((steps, 7)) * 0.05
    np.testing.assert_allclose(
        by_class(start, gradients, form), by_formula(start, gradients, form), rtol=1e-12
    )


def test_the_two_forms_differ_in_the_first_step():
    gradients = np.full((1, 3), 0.01)
    first, second = (by_class(np.zeros(3), gradients, form) for form in ("tensorflow", "torch"))
    assert np.abs(first - second).min() > 1e-3
