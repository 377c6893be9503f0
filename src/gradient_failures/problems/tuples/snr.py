"""Signal-to-noise ratio of the gradient in the weights of N1's last layer, at initialisation (§3.2).

With g the gradient of the hinge loss of one tuple, the signal is ‖E g‖², the noise E‖g - E g‖² and the SNR
their ratio. The weights are the 100 between N1's last hidden layer and the score, without the bias. The
gradient of any loss in them is Σ_j (∂loss/∂score_j) features_j over the images j of the tuple, so images only
go forward through N1: in float32, as in training. Everything after N1's features is in float64.

The signal is estimated in three ways. "Plug-in" is the squared norm of the mean gradient of m tuples. It is
too large by noise/m on average: a signal of zero has a plug-in SNR of about 1/m, the floor. "Sampled" is the
average product of mean gradients of different blocks of tuples, which has no bias. "Recombined" is the same
for the mean gradients over all n^k tuples that the n images in each place of a block's tuples can form, in
which both labels have half of the weight in each place, as in their distribution. It has no bias either, but
for the grid that its sums are taken on. Its error is smaller by orders of magnitude: the signal comes from
correlations between the labels and the scores of single images, one in each place, and n images tell each of
them well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from gradient_failures.problems.tuples.images import draw_lines, pixels_of, slope_labels
from gradient_failures.problems.tuples.networks import TupleNetwork, initial_network
from gradient_failures.problems.tuples.settings import SnrSettings
from gradient_failures.results import statistics
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = SnrSettings
Array = NDArray[np.float64]

IMAGES_PER_PASS = 1000

GRID = 2**14
"""Points of the grid on which the input of a hidden unit of N2 is distributed. It blurs the unit's threshold
by 1/GRID of the range of the input."""

VARIABLES = {
    "plug_in_over_floor": "plug-in SNR times the number of tuples: about 1 if there is no signal",
    "noise": "variance of the gradient of one tuple",
    "inside_margin": "share of tuples whose hinge loss is not 0",
    "snr": "signal-to-noise ratio, estimated without bias",
    "snr_lower_limit": "lower end of its 95 % interval",
    "snr_upper_limit": "upper end of its 95 % interval",
}


def run(settings: SnrSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Estimate the SNR of both approaches at the initial weights of the training runs with ``seeds``.

    The tuples of length k are the first k images of one and the same draw, and N1 is the same at all k, so
    the end-to-end estimates at different k of one seed are not independent. Decomposition is the hinge loss
    of one image's score, here the last image of the tuple, so that its estimates are.

    Returns
    -------
    Dataset with ``plug_in_over_floor``, ``noise`` and ``inside_margin`` (approach, tuple_length, seed);
    ``snr``, ``snr_lower_limit`` and ``snr_upper_limit`` (estimator, approach, tuple_length, seed);
    ``tuples`` (seed). The recombined estimate is that of the hinge loss where ``inside_margin`` is 1, and of
    the correlation between the label and the derivative of the output, the paper's definition, in any case.
    """
    coordinates = {
        "estimator": (["sampled", "recombined"], "the tuples that mean gradients are taken over"),
        "approach": (list(APPROACHES), "the loss"),
        "tuple_length": (settings.tuple_length, "tuple length k"),
        "seed": (list(seeds), "number of the initialisation"),
    }
    measured = [_measure_seed(settings, seed) for seed in seeds]
    variables: dict[str, Any] = {}
    for name, text in VARIABLES.items():
        values = np.stack([one[name] for one in measured], axis=-1)
        variables[name] = (tuple(coordinates)[-values.ndim :], values, text)
    tuples = np.full(len(seeds), settings.blocks * settings.tuples_per_block)
    variables["tuples"] = ("seed", tuples, "number of tuples")
    return labelled(variables, coordinates)


@dataclass(frozen=True)
class Images:
    """Images of n tuples as N1 sees them: ``features`` (n, k, 100), ``scores`` and ``labels`` ±1 (n, k)."""

    features: Array
    scores: Array
    labels: Array

    def at(self, places: slice) -> "Images":
        """The images at some places of the tuples."""
        return Images(self.features[:, places], self.scores[:, places], self.labels[:, places])


@dataclass(frozen=True)
class Gradients:
    """Gradients of n tuples as coefficients of their images' features, shape (n, k).

    ``sampled`` belong to the tuples drawn. ``recombined`` add up, over all images, to the mean gradient of
    all tuples that the images can form. ``inside_margin`` (n,) is where the loss is not 0.
    """

    images: Images
    sampled: Array
    recombined: Array
    inside_margin: NDArray[np.bool_]


def end_to_end(images: Images, n2: list[Array]) -> Gradients:
    """Gradients of the hinge loss of N2's output and the product of the labels.

    Parameters
    ----------
    n2 : the two layers of N2, of shapes (k + 1, hidden) and (hidden + 1, 1); their last rows are biases.
    """
    (inputs, output), label = n2, images.labels.prod(1)
    shares = expit(images.scores)
    hidden = shares @ inputs[:-1] + inputs[-1]
    outputs = np.maximum(hidden, 0) @ output[:-1, 0] + output[-1, 0]
    inside = label * outputs < 1
    weights = label_weights(images.labels)
    derivative, through_units = shares * (1 - shares), inputs[:-1] * output[:-1, 0]
    slopes = (hidden > 0) @ through_units.T * derivative
    mean_slopes = np.zeros_like(slopes)
    for unit, through in enumerate(through_units.T):
        mean_slopes += through * conditional_activity(shares * inputs[:-1, unit], inputs[-1, unit], weights)
    return Gradients(
        images, -(label * inside)[:, np.newaxis] * slopes, -weights * derivative * mean_slopes, inside
    )


def decomposition(images: Images, _: list[Array]) -> Gradients:
    """Gradients of the hinge loss of the last image's score and its label."""
    last = images.at(slice(-1, None))
    inside = last.labels * last.scores < 1
    return Gradients(last, -last.labels * inside, -label_weights(last.labels) * inside, inside[:, 0])


APPROACHES = {"end_to_end": end_to_end, "decomposition": decomposition}


def label_weights(labels: Array) -> Array:
    """Labels divided by twice the number of their like in the same place; shape (n, k) as ``labels``.

    A mean with these weights is that of label times value, with half of the weight on each label. They add
    up to 0 in each place.
    """
    positive = labels > 0
    alike = np.where(positive, positive.sum(0), (~positive).sum(0))
    weights: Array = labels / (2 * alike)
    return weights


def conditional_activity(inputs: Array, bias: float, weights: Array) -> Array:
    """Mean product of the labels in the other places times whether a hidden unit of N2 is active.

    One value for each image: its own input is held fixed, the other places run over all images there. The
    sum of their inputs is distributed by convolution on a grid.

    Parameters
    ----------
    inputs : what the image in each place adds to the unit's input, shape (n, k).
    weights : as :func:`label_weights` makes them.
    """
    places = range(inputs.shape[1])
    if len(places) == 1:
        return (inputs + bias > 0).astype(float)
    low, high = inputs.min(0), inputs.max(0)
    if low.sum() + bias > 0 or high.sum() + bias <= 0:  # always or never active: the labels average out
        return np.zeros_like(inputs)
    step = (high - low).sum() / (GRID - 2 * len(places))
    spectra = [np.fft.rfft(_histogram((inputs[:, j] - low[j]) / step, weights[:, j])) for j in places]
    activity = np.empty_like(inputs)
    for j in places:
        others = [place for place in places if place != j]
        density = np.fft.irfft(np.prod([spectra[place] for place in others], axis=0), GRID)
        above = density[::-1].cumsum()[::-1]
        thresholds = -(bias + low[others].sum() + inputs[:, j]) / step
        activity[:, j] = np.interp(thresholds, np.arange(GRID) - 0.5, above)
    return activity


def _histogram(positions: Array, weights: Array) -> Array:
    """Weights on the points 0 … GRID - 1, each shared by the two points next to its position."""
    below = positions.astype(int)
    share = positions - below
    points, shares = np.concatenate([below, below + 1]), np.concatenate([1 - share, share])
    return np.bincount(points, np.tile(weights, 2) * shares, GRID).astype(float)


def _measure_seed(settings: SnrSettings, seed: int) -> dict[str, Array]:
    """The variables of one initialisation, each over the dimensions it has besides the seed."""
    networks = [initial_network(k, [seed]) for k in settings.tuple_length]
    rng = stream("snr", "lines", seed=seed)
    blocks = [
        _measure_block(networks, _draw(networks, settings.tuples_per_block, rng))
        for _ in range(settings.blocks)
    ]
    means, squares, inside = (np.stack(part) for part in zip(*blocks, strict=True))
    signal, low, high = _squared_means(means)
    noise = squares.mean(0) - signal[0]
    plug_in = np.square(means[:, 0].mean(0)).sum(-1)
    return {
        "plug_in_over_floor": plug_in / noise * settings.blocks * settings.tuples_per_block,
        "noise": noise,
        "inside_margin": inside.mean(0),
        "snr": signal / noise,
        "snr_lower_limit": low / noise,
        "snr_upper_limit": high / noise,
    }


def _squared_means(means: Array) -> Array:
    """Value, low and high of the squared norm of the mean of ``means`` (blocks, …, 100), shape (3, …)."""
    cells = means.reshape(len(means), -1, means.shape[-1])
    estimates = [statistics.squared_mean(cells[:, cell]) for cell in range(cells.shape[1])]
    values = [(estimate.value, estimate.low, estimate.high) for estimate in estimates]
    return np.array(values).T.reshape(3, *means.shape[1:-1])


def _measure_block(networks: list[TupleNetwork], images: Images) -> tuple[Array, Array, Array]:
    """Mean gradients (estimator, approach, tuple_length, 100) of a block of tuples, and over (approach,
    tuple_length) the mean squared norm of one tuple's gradient and the share of tuples inside the margin."""
    means, squares, inside = [], [], []
    for gradients_of in APPROACHES.values():
        for network in networks:
            n2 = [layer[0].double().numpy() for layer in network.dense]
            gradients = gradients_of(images.at(slice(network.tuple_length)), n2)
            features = gradients.images.features
            each = np.einsum("nj,njf->nf", gradients.sampled, features)
            means.append([each.mean(0), np.einsum("nj,njf->f", gradients.recombined, features)])
            squares.append(np.square(each).sum(1).mean())
            inside.append(gradients.inside_margin.mean())
    shape = (len(APPROACHES), len(networks))
    return (
        np.moveaxis(np.array(means).reshape(*shape, 2, -1), 2, 0),
        np.array(squares).reshape(shape),
        np.array(inside).reshape(shape),
    )


@torch.no_grad()
def _draw(networks: list[TupleNetwork], tuples: int, rng: np.random.Generator) -> Images:
    """Images of tuples of the greatest length. All networks have the same N1."""
    length = max(network.tuple_length for network in networks)
    n1 = networks[0].score_network
    lines = draw_lines(tuples * length, "released", rng)
    parts = [
        n1.features(pixels_of(lines[first : first + IMAGES_PER_PASS], "released")[None])[0]
        for first in range(0, len(lines), IMAGES_PER_PASS)
    ]
    features = torch.cat(parts).double()
    head = n1.dense[-1][0].double()
    scores = features @ head[:-1, 0] + head[-1, 0]
    labels = slope_labels(lines).double()
    return Images(
        features.view(tuples, length, -1).numpy(),
        scores.view(tuples, length).numpy(),
        labels.view(tuples, length).numpy(),
    )
