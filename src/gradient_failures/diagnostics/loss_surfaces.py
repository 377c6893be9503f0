"""The four reasons why gradients fail, each seen on the loss surface of its own problem (figure 6 ICML)."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.attributes import labelled
from gradient_failures.config.loss_surfaces import LossSurfacesConfig
from gradient_failures.diagnostics.conditioning import window_moment
from gradient_failures.diagnostics.linear_periodic import loss as periodic_loss
from gradient_failures.experiments.steps import Sampler, classes_of, draw_target, levels_at
from gradient_failures.layers import relu_network
from gradient_failures.line_images import draw_lines, rasterise, slope_labels
from gradient_failures.seeds import stream
from gradient_failures.tuple_networks import initial_network

Settings = LossSurfacesConfig

IMAGES_PER_PASS = 1000

BIAS_REACH = 0.3
"""How far the bias is moved from its true value on either side: three standard deviations of <w*, x>."""


def measure(config: LossSurfacesConfig) -> xr.Dataset:
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
    distance = np.linspace(0, 2 * config.target_norm, config.positions)
    weight_change = np.linspace(-1, 1, config.positions)
    bias_change = np.linspace(-BIAS_REACH, BIAS_REACH, config.positions)
    tuple_loss = tuple_losses(config, weight_change)
    variables = {
        "periodic_loss": (("target", "distance"), periodic_losses(config, distance), "loss E(p - h)²"),
        "tuple_loss": (
            ("tuple", "weight_change"),
            tuple_loss[: config.tuples_shown],
            "hinge loss of a tuple",
        ),
        "mean_tuple_loss": ("weight_change", tuple_loss.mean(0), "mean hinge loss of the tuples"),
        "eigenvalue": ("direction", window_eigenvalues(config), "eigenvalue of the second moment of windows"),
        "flat_loss": (("sample", "bias_change"), flat_losses(config, bias_change), "half the squared error"),
    }
    coordinates = {
        "target": (np.arange(config.targets), "number of the target"),
        "distance": (distance, "position along the first target"),
        "tuple": (np.arange(len(tuple_loss[: config.tuples_shown])), "number of the tuple"),
        "weight_change": (weight_change, "change of the weights / their norm"),
        "direction": (np.arange(3), "number of the eigenvector"),
        "sample": (np.arange(config.flat_samples), "number of the sample"),
        "bias_change": (bias_change, "bias less its true value"),
    }
    return labelled(variables, coordinates)


def periodic_losses(config: LossSurfacesConfig, distance: np.ndarray) -> np.ndarray:
    """Losses of all targets at points along the first one, shape (targets, positions)."""
    targets = stream("loss_surfaces", "targets").standard_normal((config.targets, config.target_dim))
    directions = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    points = distance[:, np.newaxis] * directions[0]
    return np.stack([periodic_loss(points, config.target_norm * one) for one in directions])


def tuple_losses(config: LossSurfacesConfig, weight_change: np.ndarray) -> np.ndarray:
    """Hinge losses of single tuples at initial weights moved along a line, shape (tuples, positions)."""
    network = initial_network(config.tuple_length, seeds=[0])
    rng = stream("loss_surfaces", "tuples", tuple_length=config.tuple_length, seed=0)
    lines = draw_lines(config.tuples * config.tuple_length, "released", rng)
    passes = np.split(lines, range(IMAGES_PER_PASS, len(lines), IMAGES_PER_PASS))
    images = (rasterise(part, "released") for part in passes)
    features = torch.cat([network.score_network.features(part[None])[0] for part in images])
    labels = slope_labels(lines)
    output = network.score_network.dense[-1][0]
    direction = _mean_gradient(features, features @ output[:-1, 0], labels)
    scale = output[:-1, 0].norm() / direction.norm()
    along = features @ (direction * scale)
    start = (features @ output[:-1, 0]).view(-1, config.tuple_length)
    change = along.view(-1, config.tuple_length)
    tuple_labels = labels.view(-1, config.tuple_length).prod(1)
    losses = np.empty((config.tuples, len(weight_change)))
    for position, t in enumerate(weight_change):
        outputs = relu_network(network.dense, (start + t * change).sigmoid()[None]).flatten()
        losses[:, position] = (1 - tuple_labels * outputs).clamp_min(0)
    return losses


def window_eigenvalues(config: LossSurfacesConfig) -> np.ndarray:
    """Eigenvalues of the expected second moment of the windows of curves, ascending, shape (3,)."""
    return np.linalg.eigvalsh(window_moment("figure", config.n_points))


def flat_losses(config: LossSurfacesConfig, bias_change: np.ndarray) -> np.ndarray:
    """Losses of single samples at the true weights and a wrong bias, shape (samples, positions)."""
    targets = draw_target(stream("steps", "target", seed=0))[None]
    levels = levels_at(targets[:, -1])
    _, pre_activations = Sampler(targets, config.flat_samples, [0], "surface samples").draw()
    moved = pre_activations.T + torch.from_numpy(bias_change).float()
    labels, outputs = (levels[0, classes_of(values, levels[0])] for values in (pre_activations.T, moved))
    return np.asarray((outputs - labels).double().square() / 2)


def _mean_gradient(features: Tensor, scores: Tensor, labels: Tensor) -> Tensor:
    """Mean gradient of the hinge loss of images' scores in the weights of the output layer."""
    return -((labels * (labels * scores < 1))[:, None] * features).mean(0)
