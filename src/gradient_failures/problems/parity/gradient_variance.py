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

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.parity.experiment import ParityLearner, sample
from gradient_failures.problems.parity.settings import RATE_FROM, GradientVarianceSettings, ParitySettings
from gradient_failures.results.dataset import dimensionless
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import streams

Settings = GradientVarianceSettings

Factors = list[tuple[Tensor, Tensor]]

LOSSES = ("squared", "hinge")

FLOAT32_ROUNDING = 2.0**-24
"""Largest relative error of rounding to float32."""

ENUMERATED = ["enumerated_variance", "enumerated_over_bound", "closed_form_error"]

LONG_NAMES = {
    "variance": "variance of the gradient across targets",
    "variance_error": "standard error of the variance from sampling inputs, 0 where they are enumerated",
    "bound": "bound of theorem 1, G²/2^d",
    "variance_over_bound": "variance across targets relative to the bound",
    "sgd_noise": "variance of one batch's gradient around its mean",
    "run_noise": "variance of the average gradient of as many batches as a run has steps",
    "variance_over_run_noise": "variance across targets relative to the noise of a whole run's average",
    "float32_resolution": "square of the rounding error of one batch's gradient in float32",
    "accuracy": "accuracy on fresh samples",
    "enumerated_variance": "variance across targets by enumeration of the targets",
    "enumerated_over_bound": "the same relative to the bound",
    "closed_form_error": "relative difference of the closed form from the enumeration",
    "signal_by_size": "mean squared norm of the gradient's part that depends on the target",
    "decay_rate": "fall of log2(variance/G²) for each input bit",
    "loss": "loss function",
    "architecture": "hidden layers, in multiples of d",
    "dim": "input dimension d",
    "trained_dim": "input dimension d of the runs followed",
    "enumerated_dim": "input dimension d of the runs whose targets are enumerated",
    "step": "training steps",
    "subset_size": "size |v*| of the subset that decides the label",
    "seed": "seed of the run",
}
"""Long name of everything measured; all are in units of 1."""


def run(
    settings: GradientVarianceSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Measure the networks of the parity experiment, in float64; training is in float32 as ever.

    Returns
    -------
    Dataset with, at initial weights, over (seed, architecture, dim): ``bound``, and for the hinge loss, which
    runs are trained on, ``sgd_noise``, ``run_noise``, ``variance_over_run_noise``, ``float32_resolution``;
    over (seed, architecture, dim, loss): ``variance``, ``variance_error``, ``variance_over_bound``;
    ``decay_rate`` (seed, loss, architecture). The same, but for the ratio to the noise and the rate, along
    training over (seed, trained_dim, step), with the prefix ``trained_``, and the ``accuracy`` of these runs.
    With all targets enumerated, ``enumerated_variance``, ``enumerated_over_bound`` and ``closed_form_error``
    (seed, enumerated_dim, step, loss); ``signal_by_size`` (seed, loss, subset_size) before the first step at
    the largest d enumerated.
    """
    result = xr.concat([_measure_seed(settings, seed).expand_dims(seed=[seed]) for seed in seeds], dim="seed")
    for name, variable in result.variables.items():
        variable.attrs = dimensionless(LONG_NAMES[str(name).removeprefix("trained_")])
    result["trained_dim"].attrs["long_name"] = LONG_NAMES["trained_dim"]
    return result


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
    (weighted, norms), (at_zero, _) = (
        _weighted_norms(layers, points) for points in (inputs, torch.ones_like(inputs[:1]))
    )
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
    count = values.shape[1]
    half = 1
    while half < count:
        pairs = values.reshape(values.shape[0], count // (2 * half), 2, half, -1)
        first, second = pairs[:, :, 0], pairs[:, :, 1]
        values = np.stack([first + second, first - second], axis=2).reshape(values.shape)
        half *= 2
    return values


def _measure_seed(settings: GradientVarianceSettings, seed: int) -> xr.Dataset:
    initial = _stacked(
        "architecture",
        {
            name: _stacked("dim", {dim: _measure_initial(settings, dim, name, seed) for dim in settings.dim})
            for name in settings.architecture
        },
    )
    trained_on = initial["variance"].sel(loss="hinge", drop=True)
    initial = initial.assign(
        decay_rate=_decay_rate(initial), variance_over_run_noise=trained_on / initial["run_noise"]
    )
    runs = {dim: _follow(settings, dim, seed) for dim in settings.trained_dim}
    trained = _stacked(
        "trained_dim", {dim: run.drop_vars(ENUMERATED, errors="ignore") for dim, run in runs.items()}
    )
    enumerable = [dim for dim in settings.trained_dim if dim <= settings.enumerable_dim]
    return xr.merge(
        [
            initial,
            trained.rename({name: f"trained_{name}" for name in trained.data_vars if name != "accuracy"}),
            _stacked("enumerated_dim", {dim: runs[dim][ENUMERATED] for dim in enumerable}),
            _signal_by_size(_learner(settings, max(enumerable), seed)),
        ]
    )


def _learner(
    settings: GradientVarianceSettings, dim: int, seed: int, architecture: str = "10d"
) -> ParityLearner:
    training = settings.training.model_dump()
    return ParityLearner(ParitySettings(dim=dim, architecture=architecture, **training), [seed])


def _measure_initial(
    settings: GradientVarianceSettings, dim: int, architecture: str, seed: int
) -> xr.Dataset:
    return _measure_network(_learner(settings, dim, seed, architecture), settings, seed)


def _follow(settings: GradientVarianceSettings, dim: int, seed: int) -> xr.Dataset:
    """Measurements along one run, over (loss, step); with all targets enumerated if they are few enough."""
    learner = _learner(settings, dim, seed)
    measured = {}
    for before, step in pairwise([0, *settings.checkpoints]):
        learner.advance(step - before)
        closed = _measure_network(learner, settings, seed).assign(
            accuracy=learner.evaluate()["accuracy"].item()
        )
        enumerated = _enumerate_targets(learner, closed) if dim <= settings.enumerable_dim else {}
        measured[step] = closed.assign(enumerated)
    return _stacked("step", measured)


def _measure_network(learner: ParityLearner, settings: GradientVarianceSettings, seed: int) -> xr.Dataset:
    """The closed form with its bound, and the noise of SGD on the run's own target, at its weights."""
    (target,) = learner.targets
    dim = len(target)
    if dim <= settings.enumerable_dim:
        inputs, labels = _all_samples(target)
    else:
        rngs = streams("gradient_variance", "inputs", [seed], dim=dim)
        samples = sample(learner.targets, settings.sampled_inputs, learner.settings.input_encoding, rngs)
        inputs, labels = (tensor[0] for tensor in samples)
    layers, exhaustive = _double_layers(learner), dim <= settings.enumerable_dim
    variance, error, bound = parity_variance(layers, inputs.double())
    noise, square = hinge_noise(layers, inputs.double(), labels.double(), exhaustive=exhaustive)
    batch_noise = noise / settings.training.batch_size
    return xr.Dataset(
        {
            "variance": ("loss", variance),
            "variance_error": ("loss", 0 * error if exhaustive else error),
            "variance_over_bound": ("loss", variance / bound),
            "bound": bound,
            "sgd_noise": batch_noise,
            "run_noise": batch_noise / settings.training.steps,
            "float32_resolution": FLOAT32_ROUNDING**2 * (square + batch_noise),
        },
        coords={"loss": list(LOSSES)},
    )


def _all_samples(target: np.ndarray) -> tuple[Tensor, Tensor]:
    """All inputs and their labels."""
    inputs = all_inputs(len(target))
    return inputs, inputs[:, :-1][:, torch.from_numpy(target).bool()].prod(1)


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


def _enumerate_targets(learner: ParityLearner, closed: xr.Dataset) -> dict[str, tuple[str, np.ndarray]]:
    """The variance by enumeration of all targets, beside the closed form and the bound."""
    variance = sum(block.var(axis=1).sum(axis=1) for block in enumerated_gradients(_double_layers(learner)))
    return {
        "enumerated_variance": ("loss", variance),
        "enumerated_over_bound": ("loss", variance / closed["bound"].item()),
        "closed_form_error": ("loss", np.abs(closed["variance"].values / variance - 1)),
    }


def _signal_by_size(learner: ParityLearner) -> xr.Dataset:
    """Squared norm of the target's part of the gradient, mean over the targets of each size."""
    dim = learner.targets.shape[1]
    signal = sum(np.square(block).sum(axis=2) for block in enumerated_gradients(_double_layers(learner)))
    sizes = np.bitwise_count(np.arange(2**dim))
    means = [np.bincount(sizes, weights) / np.bincount(sizes) for weights in signal]
    return xr.Dataset(
        {"signal_by_size": (("loss", "subset_size"), means)},
        coords={"loss": list(LOSSES), "subset_size": np.arange(dim + 1)},
    )


def _decay_rate(initial: xr.Dataset) -> xr.DataArray:
    """Fall of log2(Var/G²) for each bit, by least squares; (loss, architecture)."""
    fitted = initial.sel(dim=initial["dim"] >= RATE_FROM)
    logarithm = xr.apply_ufunc(np.log2, fitted["variance_over_bound"]) - fitted["dim"]
    slope: xr.DataArray = logarithm.polyfit("dim", 1)["polyfit_coefficients"].sel(degree=1, drop=True)
    return -slope


def _stacked(dim: str, parts: Mapping[Any, xr.Dataset]) -> xr.Dataset:
    """``parts`` along a new dimension whose coordinate is their keys."""
    return xr.concat(list(parts.values()), dim=xr.DataArray(list(parts), dims=dim, name=dim))
