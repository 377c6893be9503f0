"""The optimisers against their formulas."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig
from gradient_failures.training.optimisers import Adagrad, optimiser_of
from training.emulated_gpu import emulated_gpu

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


def by_ours(start, gradients, form):
    return trained(AdamConfig(**CONSTANTS, epsilon_form=form), start, gradients)


def problem(steps):
    rng = np.random.default_rng(steps)
    return rng.standard_normal(7), rng.standard_normal((steps, 7)) * 0.05


@pytest.mark.parametrize("form", ["tensorflow", "torch"])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_adam_follows_its_formula(form, steps):
    start, gradients = problem(steps)
    np.testing.assert_allclose(
        by_ours(start, gradients, form), by_formula(start, gradients, form), rtol=1e-12
    )


def test_the_two_forms_differ_in_the_first_step():
    gradients = np.full((1, 3), 0.01)
    first, second = (by_ours(np.zeros(3), gradients, form) for form in ("tensorflow", "torch"))
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


TORCH = {
    "adam": (
        AdamConfig(**CONSTANTS, epsilon_form="torch"),
        lambda weights: torch.optim.Adam(weights, lr=0.1, betas=(0.9, 0.99), eps=1e-2, fused=True),
    ),
    "sgd": (
        SGDConfig(kind="sgd", learning_rate=0.3),
        lambda weights: torch.optim.SGD(weights, lr=0.3, fused=True),
    ),
    "adagrad": (
        AdagradConfig(kind="adagrad", learning_rate=0.3, epsilon=1e-2),
        lambda weights: torch.optim.Adagrad(weights, lr=0.3, eps=1e-2, fused=True),
    ),
}


@pytest.mark.parametrize("kind", TORCH)
def test_steps_have_the_bits_of_the_classes_of_torch(kind):
    config, class_of_torch = TORCH[kind]
    rng = torch.Generator().manual_seed(0)
    ours, theirs = ([torch.ones(5), torch.ones(2, 33, 17), torch.ones(())] for _ in range(2))
    optimisers = [optimiser_of(ours, config), class_of_torch(theirs)]
    for _ in range(100):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=rng)
            other.grad = one.grad.clone()
        for optimiser in optimisers:
            optimiser.step()
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_adagrad_is_fused_on_the_cpu_alone():
    """Torch has no fused form of it for GPUs."""
    config, _ = TORCH["adagrad"]
    assert Adagrad([torch.ones(3)], config).fused
    with emulated_gpu():
        assert Adagrad([torch.ones(3)], config).fused is None


def test_steps_do_without_the_compiler_of_torch():
    """Its import takes as long as some runs."""
    code = """
import sys, torch
from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig
from gradient_failures.training.optimisers import optimiser_of
weights = torch.ones(3)
weights.grad = torch.ones(3)
constants = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-2}
for config in (
    AdamConfig(**constants, epsilon_form="tensorflow"),
    SGDConfig(kind="sgd", learning_rate=0.1),
    AdagradConfig(kind="adagrad", learning_rate=0.1, epsilon=0.1),
):
    optimiser_of([weights], config).step()
sys.exit("torch._dynamo" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
