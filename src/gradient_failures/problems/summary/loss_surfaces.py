"""The four reasons why gradients fail, each seen on the loss surface of its own problem (figure 6 ICML)."""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from gradient_failures.problems.curves.conditioning import window_moment
from gradient_failures.problems.flat_activations.experiment import Sampler, classes_of, draw_target, levels_at
from gradient_failures.problems.linear_periodic.gradient_variance import loss as periodic_loss
from gradient_failures.problems.summary.settings import LossSurfacesSettings
from gradient_failures.problems.tuples.images import draw_lines, pixels_of, slope_labels
from gradient_failures.problems.tuples.networks import initial_network
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.layers import relu_network
from gradient_failures.training.seeds import stream

Settings = LossSurfacesSettings

IMAGES_PER_PASS = 1000

BIAS_REACH = 0.3
"""How far the bias is moved from its true value on either side: three standard deviations of <w*, x>."""


def run(settings: Settings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Losses along lines through the weights.

    Returns
    -------
    Dataset with ``periodic_loss`` (target, distance): the linear-periodic losses along the direction of the
    first target; ``tuple_loss`` (tuple, weight_change) and ``mean_tuple_loss`` (weight_change): hinge losses
    of N2's output, of single tuples and on average, along the mean gradient of the scores' own loss in the
    weights of N1's last layer, in multiples of their norm; ``eigenvalue`` (direction) of the second moment of
    the windows of curves; ``flat_loss`` (sample, bias_change): half the squared error behind the flat
    activation at the true weights and a wrong bias.
    """
    distance = np.linspace(0, 2 * settings.target_norm, settings.positions)
    weight_change = np.linspace(-1, 1, settings.positions)
    bias_change = np.linspace(-BIAS_REACH, BIAS_REACH, settings.positions)
    periodic, flat = periodic_losses(settings, distance), flat_losses(settings, bias_change)
    tuples, eigenvalues = tuple_losses(settings, weight_change), window_eigenvalues(settings)
    shown = tuples[: settings.tuples_shown]
    return labelled(
        {
            "periodic_loss": (("target", "distance"), periodic, "loss E(p - h)²"),
            "tuple_loss": (("tuple", "weight_change"), shown, "hinge loss of a tuple"),
            "mean_tuple_loss": ("weight_change", tuples.mean(0), "mean hinge loss of the tuples"),
            "eigenvalue": ("direction", eigenvalues, "eigenvalue of the second moment of windows"),
            "flat_loss": (("sample", "bias_change"), flat, "half the squared error"),
        },
        {
            "target": (np.arange(settings.targets), "number of the target"),
            "distance": (distance, "position along the first target"),
            "tuple": (np.arange(len(shown)), "number of the tuple"),
            "weight_change": (weight_change, "change of the weights / their norm"),
            "direction": (np.arange(3), "number of the eigenvector"),
            "sample": (np.arange(settings.flat_samples), "number of the sample"),
            "bias_change": (bias_change, "bias less its true value"),
        },
    )


def periodic_losses(settings: Settings, distance: np.ndarray) -> np.ndarray:
    """Losses of all targets at points along the first one, shape (targets, positions)."""
    targets = stream("loss_surfaces", "targets").standard_normal((settings.targets, settings.target_dim))
    directions = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    points = distance[:, np.newaxis] * directions[0]
    return np.stack([periodic_loss(points, settings.target_norm * one) for one in directions])


def tuple_losses(settings: Settings, weight_change: np.ndarray) -> np.ndarray:
    """Hinge losses of single tuples at initial weights moved along a line, shape (tuples, positions)."""
    network = initial_network(settings.tuple_length, seeds=[0])
    rng = stream("loss_surfaces", "tuples", tuple_length=settings.tuple_length, seed=0)
    lines = draw_lines(settings.tuples * settings.tuple_length, "released", rng)
    passes = np.split(lines, range(IMAGES_PER_PASS, len(lines), IMAGES_PER_PASS))
    images = (pixels_of(part, "released") for part in passes)
    features = torch.cat([network.score_network.features(part[None])[0] for part in images])
    labels, weights = slope_labels(lines), network.score_network.dense[-1][0, :-1, 0]
    scores = features @ weights
    gradient = -((labels * (labels * scores < 1))[:, None] * features).mean(0)
    slopes = features @ (gradient * (weights.norm() / gradient.norm()))
    start, change = (values.view(-1, settings.tuple_length) for values in (scores, slopes))
    tuple_labels = labels.view(-1, settings.tuple_length).prod(1)
    losses = []
    for t in weight_change:
        outputs = relu_network(network.dense, (start + t * change).sigmoid()[None]).flatten()
        losses.append((1 - tuple_labels * outputs).clamp_min(0))
    return np.stack(losses, axis=1).astype(float)


def window_eigenvalues(settings: Settings) -> np.ndarray:
    """Eigenvalues of the expected second moment of the windows of curves, ascending, shape (3,)."""
    return np.linalg.eigvalsh(window_moment("figure", settings.n_points))


def flat_losses(settings: Settings, bias_change: np.ndarray) -> np.ndarray:
    """Losses of single samples at the true weights and a wrong bias, shape (samples, positions)."""
    targets = draw_target(stream("steps", "target", seed=0))[None]
    levels = levels_at(targets[:, -1])
    _, pre_activations = Sampler(targets, settings.flat_samples, [0], "surface samples").draw()
    moved = pre_activations.T + torch.from_numpy(bias_change).float()
    labels, outputs = (levels[0, classes_of(values, levels[0])] for values in (pre_activations.T, moved))
    return np.asarray((outputs - labels).double().square() / 2)
