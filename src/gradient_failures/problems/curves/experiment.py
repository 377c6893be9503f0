"""Finding the kinks of piecewise-linear curves (§4, figure 5 ICML = 6 extended).

A curve f of n points is f = W p with W_ij = [i - j + 1]₊: p_j is the change of its slope at point j, and
almost all of p is 0. W⁻¹ is the second difference, so a linear map, a convolution with the filter (1, -2, 1)
or a deep network can all represent the solution; they differ in the conditioning of their training problem.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import pad

from gradient_failures.problems.curves.settings import Approach, CurveDistribution, CurvesSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.results.runs import LAST_X
from gradient_failures.training.checkpoint import Checkpoint, State
from gradient_failures.training.layers import dense_weights, over_seeds
from gradient_failures.training.loop import Learner, fit
from gradient_failures.training.networks import DenseNetwork
from gradient_failures.training.optimisers import optimiser_of
from gradient_failures.training.seeds import stream, streams

Settings = CurvesSettings

KINKS = 3
SLOPES = np.array([[1, -1, 1], [1, -2, 1], [-2, 1, -1], [1, -1, 2]])
"""Slopes after the first, second and third kink in the curves of the figure."""

MARGIN = 3
"""Points at either end of a curve of the figure at which it has no kink."""

HIDDEN_WIDTHS = (500, 100, 2 * KINKS, 100, 100)
"""ReLU units of the autoencoder's hidden layers; the third is its code."""

EXAMPLES = 2

VARIABLES = {
    "loss": "loss of the approach on held-out curves",
    "decode_error": "relative error of the decoded curve",
    "kink_error": "relative error of the slope changes",
}


def run(settings: CurvesSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Train one run for each of ``seeds``.

    Returns
    -------
    Dataset with ``loss``, ``decode_error`` and ``kink_error`` (seed, step), ``example_curve``
    (seed, example, x), ``decoded_example`` (seed, snapshot, example, x), ``diverged_at_step``, ``last_step``
    and ``last_x`` (seed).
    """
    return fit(seeds, partial(CurvesLearner, settings), settings, VARIABLES, checkpoint)


class CurvesLearner(Learner):
    """Runs of one approach. All approaches at one (curve_distribution, n_points, seed) share all curves."""

    def __init__(self, settings: CurvesSettings, seeds: Sequence[int]) -> None:
        self.settings, self.seeds = settings, seeds
        kind = settings.curve_distribution, settings.n_points
        self.examples = draw_curves(*kind, EXAMPLES, "examples")
        self.heldout, curves = (
            torch.stack([draw_curves(*kind, count, purpose, seed=seed) for seed in seeds])
            for count, purpose in [(settings.heldout_curves, "heldout"), (settings.training_curves, "train")]
        )
        self.model = model_of(settings.approach, curves, settings.batch_size, seeds)
        self.optimiser = optimiser_of(self.model.parameters, settings.optimiser)
        self.batch_streams = streams("curves", "batches", seeds, n_points=settings.n_points)
        self.steps_taken = torch.tensor(0, device="cpu")
        shape = (len(seeds), len(settings.snapshots), *self.examples.shape)
        self.decoded = torch.full(shape, torch.nan, device="cpu")

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps, each on a batch of the training curves."""
        count, shape = self.settings.training_curves, (steps, self.settings.batch_size)
        drawn = [
            index * count + rng.integers(0, count, shape) for index, rng in enumerate(self.batch_streams)
        ]
        for batch in torch.as_tensor(np.concatenate(drawn, axis=1)):
            self.model.set_gradients(batch)
            self.optimiser.step()
        self.steps_taken += steps
        snapshots, step = self.settings.snapshots, int(self.steps_taken)
        if step in snapshots:
            examples = self.examples.expand(len(self.seeds), -1, -1)
            self.decoded[:, snapshots.index(step)] = self.model.decode(examples)

    def evaluate(self) -> dict[str, Tensor]:
        """The loss and both errors on the held-out curves."""
        curves = self.heldout.cpu().double()
        error = self.model.decode(self.heldout) - curves
        height = curves.amax(2) - curves.amin(2)
        relative_error = error.square().mean(2).sqrt() / height
        return {
            "loss": self.model.loss(error),
            "decode_error": relative_error.median(1).values,
            "kink_error": kinks_of(error).flatten(1).norm(dim=1) / kinks_of(curves).flatten(1).norm(dim=1),
        }

    def state(self) -> Mapping[str, State]:
        """Weights, optimiser, the streams of batches, and the examples decoded so far."""
        return {
            "parameters": self.model.parameters,
            "optimiser": self.optimiser.state,
            "batches": self.batch_streams,
            "steps_taken": self.steps_taken,
            "decoded": self.decoded,
        }

    def results(self) -> xr.Dataset:
        """Over seed: ``example_curve`` (example, x), ``decoded_example`` (snapshot, example, x), ``last_x``.

        Snapshots after a run has diverged are NaN if it trains alone, and mean nothing in an ensemble.
        """
        n_seeds, n_points = len(self.seeds), self.settings.n_points
        examples = self.examples.cpu().expand(n_seeds, -1, -1).numpy()
        dims = ("seed", "snapshot", "example", "x")
        return labelled(
            {
                "example_curve": (("seed", "example", "x"), examples, "example curve"),
                "decoded_example": (dims, self.decoded.numpy(), "decoded example curve"),
                LAST_X: ("seed", [n_points - 1] * n_seeds, "last point of a curve"),
            },
            {
                "example": (range(1, EXAMPLES + 1), "number of the example"),
                "snapshot": (self.settings.snapshots, "training steps"),
                "x": (range(n_points), "point x of a curve"),
            },
        )


class Encoder:
    """Linear maps from features of a curve to its slope changes p, decoded by f̂ = W p̂.

    Curves of all seeds are numbered in one row: curve i of the s-th seed is s · count + i.

    The loss is the squared error of p̂, summed over the outputs of the map and averaged over its rows: a
    matrix has one row with n outputs for each curve, a convolution n rows with one output.

    Parameters
    ----------
    curves : the training sets (seeds, count, n).
    batch_size : curves of each seed in a batch.
    features : from curves (seeds, count, n) to inputs (seeds, count, rows, inputs of the map).
    """

    def __init__(self, curves: Tensor, batch_size: int, features: Callable[[Tensor], Tensor]) -> None:
        self.features = features
        inputs = features(curves)
        targets = kinks_of(curves).reshape(*inputs.shape[:3], -1)
        self.samples = torch.cat([inputs, targets], 3).flatten(0, 1)
        self._batch = self.samples.new_empty(len(curves) * batch_size, *self.samples.shape[1:])
        widths = [inputs.shape[3], targets.shape[3]]
        rows = self._batch.view(len(curves), -1, sum(widths))
        self._inputs, self._targets = torch.split(rows, widths, 2)
        self.weights = curves.new_zeros(len(curves), *widths)
        self.weights.grad = torch.zeros_like(self.weights)
        self.parameters = [self.weights]

    def set_gradients(self, batch: Tensor) -> None:
        """Set the gradient 2/rows · Xᵀ(XU - p) of the weights U on the curves with the numbers ``batch``.

        There are ``batch_size`` of each seed, one seed after another: shape (seeds · batch_size,).
        """
        torch.index_select(self.samples, 0, batch, out=self._batch)
        errors = self._targets.baddbmm_(self._inputs, self.weights, beta=-1)
        scale = 2 / errors.shape[1]
        torch.baddbmm(self.weights, self._inputs.mT, errors, beta=0, alpha=scale, out=self.weights.grad)

    def decode(self, curves: Tensor) -> Tensor:
        """The curves W p̂ (seeds, count, n), in float64 since W sums up the errors of p̂."""
        outputs = self.features(curves).flatten(1, 2) @ self.weights
        return curves_of(outputs.cpu().double().view(curves.shape))

    def loss(self, error: Tensor) -> Tensor:
        """Squared error of p̂ = W⁻¹ f̂, shape (seeds,), from the ``error`` f̂ - f (seeds, count, n)."""
        return kinks_of(error).square().flatten(1).mean(1) * self.weights.shape[2]


class Autoencoder:
    """Deep ReLU networks that reconstruct a curve; a one after its last point multiplies the biases.

    Parameters
    ----------
    curves : the training sets (seeds, count, n).
    batch_size : curves of each seed in a batch.
    rngs : generators of the initial weights of each seed.
    """

    def __init__(self, curves: Tensor, batch_size: int, rngs: Sequence[np.random.Generator]) -> None:
        self.samples = pad(curves, (0, 1), value=1.0).flatten(0, 1)
        n = curves.shape[2]
        self.parameters = over_seeds(dense_weights([n, *HIDDEN_WIDTHS, n], rng) for rng in rngs)
        self.network = DenseNetwork(self.parameters, batch_size)

    def set_gradients(self, batch: Tensor) -> None:
        """Set the gradients of all layers on the curves of a batch, numbered as for :class:`Encoder`."""
        picked = self.samples.index_select(0, batch)
        inputs = picked.view(len(self.parameters[0]), -1, picked.shape[1])
        error = self.network.forward(inputs).sub_(inputs[:, :, :-1])
        self.network.backward(error.mul_(2 / error[0].numel()))

    def decode(self, curves: Tensor) -> Tensor:
        """The reconstructed curves, in float64."""
        return self.network.outputs(pad(curves, (0, 1), value=1.0)).cpu().double()

    def loss(self, error: Tensor) -> Tensor:
        """Mean squared error."""
        return error.square().flatten(1).mean(1)


def model_of(
    approach: Approach, curves: Tensor, batch_size: int, seeds: Sequence[int]
) -> Encoder | Autoencoder:
    """The untrained models of an approach, for the training sets ``curves`` (seeds, count, n)."""
    if approach == "autoencoder":
        return Autoencoder(curves, batch_size, streams("curves", "weights", seeds, n_points=curves.shape[2]))
    if approach == "convolutional":
        return Encoder(curves, batch_size, windows)
    if approach == "preconditioned":
        whitening = torch.stack([inverse_root(second_moment(windows(one))) for one in curves])[:, None]

        def whitened(curves: Tensor) -> Tensor:
            return (windows(curves).cpu().double() @ whitening).to(curves)

        return Encoder(curves, batch_size, whitened)
    return Encoder(curves, batch_size, lambda curves: curves.unsqueeze(2))


def draw_curves(
    distribution: CurveDistribution, n_points: int, count: int, purpose: str, **axes: int
) -> Tensor:
    """``count`` curves from the stream of one purpose, shape (count, n), float32."""
    rng = stream("curves", purpose, curve_distribution=distribution, n_points=n_points, **axes)
    return torch.as_tensor(curves_of(draw_kinks(distribution, n_points, count, rng)).float())


def draw_kinks(
    distribution: CurveDistribution, n_points: int, count: int, rng: np.random.Generator
) -> Tensor:
    """Slope changes p of random curves with three kinks, shape (count, n), float64.

    "figure" takes kinks ``MARGIN`` points away from the ends and the slopes between them from ``SLOPES``;
    "text" takes kinks anywhere and slope changes uniform on [-1, 1]. No two kinks of a curve are at the same
    point.
    """
    margin = MARGIN if distribution == "figure" else 0
    order = rng.random((count, n_points - 2 * margin)).argpartition(KINKS, axis=1)
    points = margin + np.sort(order[:, :KINKS], axis=1)
    if distribution == "figure":
        changes = np.diff(SLOPES[rng.integers(0, len(SLOPES), count)], axis=1, prepend=0).astype(float)
    else:
        changes = rng.uniform(-1, 1, (count, KINKS))
    kinks = np.zeros((count, n_points))
    np.put_along_axis(kinks, points, changes, axis=1)
    return torch.from_numpy(kinks)


def curves_of(kinks: Tensor) -> Tensor:
    """f = W p, the double sum of slope changes p (…, n)."""
    return kinks.cumsum(-1).cumsum(-1)


def kinks_of(curves: Tensor) -> Tensor:
    """p = W⁻¹ f, the second difference of curves f (…, n) that are 0 before their first point."""
    before, middle, after = windows(curves).unbind(-1)
    return before - 2 * middle + after


def windows(curves: Tensor) -> Tensor:
    """The three values f(t - 2), f(t - 1), f(t) that decide p_t, at every point t: shape (…, n, 3)."""
    return pad(curves, (2, 0)).unfold(-1, 3, 1)


def second_moment(windows: Tensor) -> Tensor:
    """C = E[w wᵀ] over all ``windows`` (…, 3), shape (3, 3), float64."""
    rows = windows.reshape(-1, 3).cpu().double()
    return rows.t() @ rows / len(rows)


def inverse_root(moment: Tensor) -> Tensor:
    """C^(-1/2) of a positive definite matrix C."""
    values, vectors = torch.linalg.eigh(moment)
    root: Tensor = vectors @ torch.diag(values.rsqrt()) @ vectors.t()
    return root
