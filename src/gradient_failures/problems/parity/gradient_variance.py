"""How much the gradient depends on the parity to be learnt: theorem 1, exactly (§2.2, supplement B.1).

For a target h and a predictor p the gradient of the expected loss is, up to terms without h,

    squared loss (p - h)²/2    -E[h ∇p],
    margin loss r(hp)           E[h c ∇p],    c = (r'(p) + r'(-p)) / 2,

the second because r'(hp) h = h (r'(p) + r'(-p))/2 + (r'(p) - r'(-p))/2 for h = ±1. (Supplement B.1 leaves
out the factor h of the chain rule, which exchanges the two parts; its bound is the same.) The hinge has
r'(z) = -1 for z < 1 and 0 from the kink on, as in training, so c is -1 where |p| < 1 and -1/2 elsewhere.

The 2^d parities are an orthonormal basis: over them E_h (E_x[h g])² = 2^-d E_x g² by Parseval, and E_h h(x)
is 1 at x = 0 and 0 elsewhere. Hence, with c = 1 for the squared loss,

    Var = 2^-d E_x[c² ‖∇p‖²] - 4^-d c(0)² ‖∇p(0)‖² ≤ 2^-d E_x ‖∇p‖² = G² / 2^d.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.parity.experiment import ParityLearner, sample
from gradient_failures.problems.parity.settings import (
    LOSSES,
    RATE_FROM,
    GradientVarianceSettings,
    ParitySettings,
)
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import streams

Settings = GradientVarianceSettings

Factors = list[tuple[Tensor, Tensor]]

FLOAT32_ROUNDING = 2.0**-24
"""Largest relative error of rounding to float32."""

LONG_NAMES = {
    "bound": "bound of theorem 1, G²/2^d",
    "sgd_noise": "variance of one batch's gradient around its mean",
    "run_noise": "variance of the average gradient of as many batches as a run has steps",
    "float32_resolution": "square of the rounding error of one batch's gradient in float32",
    "variance": "variance of the gradient across targets",
    "variance_error": "standard error of the variance from sampling inputs, 0 where they are enumerated",
    "variance_over_bound": "variance across targets relative to the bound",
    "variance_over_run_noise": "variance across targets relative to the noise of a whole run's average",
    "decay_rate": "fall of log2(variance/G²) for each input bit",
    "accuracy": "accuracy on fresh samples",
    "enumerated_variance": "variance across targets by enumeration of the targets",
    "enumerated_over_bound": "variance by enumeration of the targets relative to the bound",
    "closed_form_error": "relative difference of the closed form from the enumeration",
    "signal_by_size": "mean squared norm of the gradient's part that depends on the target",
}
"""Long name of each variable; those along training have the prefix ``trained_`` in the data."""


def run(settings: Settings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Measure the networks of the parity experiment, in float64; training is in float32 as ever.

    Returns
    -------
    Dataset with, at initial weights, over (seed, architecture, dim): ``bound``, and for the hinge loss, which
    runs are trained on, ``sgd_noise``, ``run_noise``, ``variance_over_run_noise``, ``float32_resolution``;
    over (seed, architecture, dim, loss): ``variance``, ``variance_error``, ``variance_over_bound``;
    ``decay_rate`` (seed, architecture, loss). The same, but for the ratio to the noise and the rate, along
    training over (seed, trained_dim, step), with the prefix ``trained_``, and the ``accuracy`` of these runs.
    With all targets enumerated, ``enumerated_variance``, ``enumerated_over_bound`` and ``closed_form_error``
    (seed, enumerated_dim, step, loss); ``signal_by_size`` (seed, loss, subset_size) before the first step at
    the largest d enumerated.
    """
    return xr.concat([_measure_seed(settings, seed) for seed in seeds], dim="seed")


def gradient_factors(layers: Sequence[Tensor], inputs: Tensor) -> tuple[Tensor, Factors]:
    """Scores p (n,) and, for each layer, the factors of ∇p: activations (n, in + 1) and errors (n, out).

    The gradient at input i is the outer product of the i-th rows.

    Parameters
    ----------
    layers : weights with the bias as last row.
    inputs : shape (n, d + 1), with a last column of ones.
    """
    activations = [inputs]
    for layer in layers[:-1]:
        hidden = (activations[-1] @ layer).relu()
        activations.append(torch.cat([hidden, hidden.new_ones(len(hidden), 1)], 1))
    scores = (activations[-1] @ layers[-1]).squeeze(1)
    errors = [torch.ones_like(scores)[:, None]]
    for layer, activation in zip(layers[:0:-1], activations[:0:-1], strict=True):
        errors.append((errors[-1] @ layer[:-1].t()) * (activation[:, :-1] > 0))
    return scores, list(zip(activations, errors[::-1], strict=True))


def target_weights(scores: Tensor) -> Tensor:
    """The factor |c| of ∇p in the part of the gradient that depends on the target, shape (loss, n)."""
    hinge = ((scores < 1).double() + (scores > -1).double()) / 2
    return torch.stack([torch.ones_like(scores), hinge])


def parity_variance(layers: Sequence[Tensor], inputs: Tensor) -> tuple[Tensor, Tensor, float]:
    """Variance of the gradient over all parities, its standard error if ``inputs`` are a sample, and G²/2^d.

    Parameters
    ----------
    inputs : as signs, with a last column of ones, (n, d + 1); the zero of {0, 1}^d is all ones.

    Returns
    -------
    Variance and standard error by loss, both (loss,), and the bound of theorem 1.
    """
    dim = inputs.shape[1] - 1
    weighted, norms = _weighted_norms(layers, inputs)
    at_zero, _ = _weighted_norms(layers, torch.ones_like(inputs[:1]))
    variance = weighted.mean(1) / 2**dim - at_zero.squeeze(1) / 4**dim
    return variance, weighted.std(1) / len(norms) ** 0.5 / 2**dim, norms.mean().item() / 2**dim


def hinge_noise(
    layers: Sequence[Tensor], inputs: Tensor, labels: Tensor, *, exhaustive: bool
) -> tuple[float, float]:
    """Trace of the covariance of one sample's hinge gradient, and squared norm of its mean; unbiased.

    Parameters
    ----------
    inputs, labels : shapes (n, d + 1) and (n,).
    exhaustive : whether they are all there are, rather than a sample.
    """
    scores, factors = gradient_factors(layers, inputs)
    slopes = -labels * (labels * scores < 1)
    count = len(slopes)
    second = (slopes.square() * _squared_norms(factors)).mean().item()
    means = [activations.t() @ (slopes[:, None] * errors) / count for activations, errors in factors]
    trace = second - sum(mean.square().sum().item() for mean in means)
    trace *= 1 if exhaustive else count / (count - 1)
    return trace, second - trace


def all_inputs(dim: int) -> Tensor:
    """All inputs as signs, +1 for a bit 0, with a column of ones: (2^d, d + 1); bit i of row x is x >> i."""
    bits = (torch.arange(2**dim)[:, None] >> torch.arange(dim)) & 1
    return torch.cat([1 - 2 * bits, torch.ones(2**dim, 1, dtype=bits.dtype)], 1).double()


def enumerated_gradients(layers: Sequence[Tensor]) -> Iterator[np.ndarray]:
    """E_x[h c ∇p] for every target h, in blocks of parameters: each (loss, 2^d targets, parameters)."""
    scores, factors = gradient_factors(layers, all_inputs(len(layers[0]) - 1))
    weights = target_weights(scores)[:, :, None]
    for activations, errors in factors:
        for column in activations.t():
            yield walsh_hadamard((weights * (column[:, None] * errors)).numpy()) / len(scores)


def walsh_hadamard(values: np.ndarray) -> np.ndarray:
    """Σ_x (-1)^⟨v, x⟩ values[:, x] for every v, by the fast transform along the second axis (2^d long)."""
    losses, count, parameters = values.shape
    for bit in range(count.bit_length() - 1):
        pairs = values.reshape(losses, -1, 2, 2**bit, parameters)
        first, second = pairs[:, :, 0], pairs[:, :, 1]
        values = np.stack([first + second, first - second], axis=2)
    return values.reshape(losses, count, parameters)


def _measure_seed(settings: Settings, seed: int) -> xr.Dataset:
    initial = _stacked(
        [
            [_measure(settings, _learner(settings, dim, seed, architecture), seed) for dim in settings.dim]
            for architecture in settings.architecture
        ]
    )
    runs = [_follow(settings, dim, seed) for dim in settings.trained_dim]
    enumerated_dim = [dim for dim in settings.trained_dim if dim <= settings.enumerable_dim]
    largest = max(enumerated_dim)
    over_noise = initial["variance"][..., LOSSES.index("hinge")] / initial["run_noise"]
    found = {
        ("architecture", "dim", "loss"): {**initial, "variance_over_run_noise": over_noise},
        ("architecture", "loss"): {"decay_rate": _decay_rate(settings.dim, initial["variance_over_bound"])},
        ("trained_dim", "step", "loss"): _stacked([closed for closed, _ in runs]),
        ("enumerated_dim", "step", "loss"): _stacked([enumerated for _, enumerated in runs if enumerated]),
        ("loss", "subset_size"): {"signal_by_size": _signal_by_size(_learner(settings, largest, seed))},
    }
    return labelled(
        {
            name: (("seed", *dims[: values.ndim]), [values], LONG_NAMES[name.removeprefix("trained_")])
            for dims, variables in found.items()
            for name, values in variables.items()
        },
        {
            "seed": ([seed], "seed of the run"),
            "architecture": (settings.architecture, "hidden layers, in multiples of d"),
            "dim": (settings.dim, "input dimension d"),
            "loss": (list(LOSSES), "loss function"),
            "trained_dim": (settings.trained_dim, "input dimension d of the runs followed"),
            "step": (settings.checkpoints, "training steps"),
            "enumerated_dim": (enumerated_dim, "input dimension d of the runs whose targets are enumerated"),
            "subset_size": (range(largest + 1), "size |v*| of the subset that decides the label"),
        },
    )


def _stacked(parts: Sequence[Any]) -> dict[str, np.ndarray]:
    """One array for each name in nested lists of measurements, whose first axes are the lists."""
    stacked = [part if isinstance(part, dict) else _stacked(part) for part in parts]
    return {name: np.stack([part[name] for part in stacked]) for name in stacked[0]}


def _learner(settings: Settings, dim: int, seed: int, architecture: str = "10d") -> ParityLearner:
    training = settings.training.model_dump()
    return ParityLearner(ParitySettings(dim=dim, architecture=architecture, **training), [seed])


def _follow(settings: Settings, dim: int, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measurements at each checkpoint of a run; and those by enumeration of all targets, if they are few."""
    learner = _learner(settings, dim, seed)
    measured, enumerated = [], []
    for before, step in pairwise([0, *settings.checkpoints]):
        learner.advance(step - before)
        closed = _measure(settings, learner, seed)
        accuracy = learner.evaluate()["accuracy"].item()
        measured.append({f"trained_{name}": value for name, value in closed.items()} | {"accuracy": accuracy})
        if dim <= settings.enumerable_dim:
            blocks = enumerated_gradients(_double_layers(learner))
            variance = sum(block.var(axis=1).sum(axis=1) for block in blocks)
            enumerated.append(
                {
                    "enumerated_variance": variance,
                    "enumerated_over_bound": variance / closed["bound"],
                    "closed_form_error": np.abs(closed["variance"] / variance - 1),
                }
            )
    return measured, enumerated


def _measure(settings: Settings, learner: ParityLearner, seed: int) -> dict[str, Any]:
    """The closed form with its bound, and the noise of SGD on the run's own target, at its weights."""
    (target,) = learner.targets
    dim = len(target)
    exhaustive = dim <= settings.enumerable_dim
    if exhaustive:
        inputs = all_inputs(dim)
        labels = inputs[:, :-1][:, torch.from_numpy(target).bool()].prod(1)
    else:
        rngs = streams("gradient_variance", "inputs", [seed], dim=dim)
        samples = sample(learner.targets, settings.sampled_inputs, learner.settings.input_encoding, rngs)
        inputs, labels = (tensor[0].double() for tensor in samples)
    layers = _double_layers(learner)
    variance, error, bound = parity_variance(layers, inputs)
    noise, square = hinge_noise(layers, inputs, labels, exhaustive=exhaustive)
    batch_noise = noise / settings.training.batch_size
    return {
        "variance": variance.numpy(),
        "variance_error": (0 * error if exhaustive else error).numpy(),
        "variance_over_bound": variance.numpy() / bound,
        "bound": bound,
        "sgd_noise": batch_noise,
        "run_noise": batch_noise / settings.training.steps,
        "float32_resolution": FLOAT32_ROUNDING**2 * (square + batch_noise),
    }


def _double_layers(learner: ParityLearner) -> list[Tensor]:
    return [layer[0].double() for layer in learner.network.layers]


def _weighted_norms(layers: Sequence[Tensor], inputs: Tensor) -> tuple[Tensor, Tensor]:
    """c² ‖∇p‖² by loss (loss, n), and ‖∇p‖² (n,)."""
    scores, factors = gradient_factors(layers, inputs)
    norms = _squared_norms(factors)
    return target_weights(scores).square() * norms, norms


def _squared_norms(factors: Factors) -> Tensor:
    """‖∇p‖² at each input, shape (n,)."""
    norms = [activations.square().sum(1) * errors.square().sum(1) for activations, errors in factors]
    return torch.stack(norms).sum(0)


def _signal_by_size(learner: ParityLearner) -> np.ndarray:
    """Squared norm of the target's part of the gradient, mean over the targets of each size; (loss, size)."""
    signal = sum(np.square(block).sum(axis=2) for block in enumerated_gradients(_double_layers(learner)))
    sizes = np.bitwise_count(np.arange(2 ** learner.targets.shape[1]))
    return np.array([np.bincount(sizes, weights) / np.bincount(sizes) for weights in signal])


def _decay_rate(dims: Sequence[int], over_bound: np.ndarray) -> np.ndarray:
    """Fall of log2(Var/G²) for each bit, from (architecture, dim, loss) to (architecture, loss)."""
    fitted = np.array(dims) >= RATE_FROM
    dim = np.array(dims)[fitted]
    logarithm = np.log2(over_bound[:, fitted]) - dim[:, np.newaxis]
    slope, _ = np.polyfit(dim, logarithm.swapaxes(0, 1).reshape(len(dim), -1), 1)
    return np.reshape(-slope, (-1, len(LOSSES)))
