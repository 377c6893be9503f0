"""Finding the kinks of piecewise-linear curves (§4, figure 5 ICML = 6 extended).

A curve f of n points is f = W p with W_ij = [i - j + 1]₊: p_j is the change of its slope at point j, and
almost all of p is 0. W⁻¹ is the second difference, so a linear map, a convolution with the filter (1, -2, 1)
or a deep network can all represent the solution; they differ in the conditioning of their training problem.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import mse_loss, pad

from gradient_failures.checkpoint import Checkpoint, Part
from gradient_failures.config.curves import CurveDistribution, CurvesPoint, CurvesTraining
from gradient_failures.layers import dense_weights, relu_network
from gradient_failures.optimisers import optimiser_of
from gradient_failures.seeds import stream
from gradient_failures.training import Learner, fit_each

Point = CurvesPoint
Training = CurvesTraining

KINKS = 3
SLOPES = np.array([[1, -1, 1], [1, -2, 1], [-2, 1, -1], [1, -1, 2]])
"""Slopes after the first, second and third kink in the curves of the figure."""

HIDDEN_WIDTHS = (500, 100, 2 * KINKS, 100, 100)
"""ReLU units of the autoencoder's hidden layers; the third is its code."""

EXAMPLES = 2

METRICS = {
    "loss": {"long_name": "loss of the method on held-out curves", "units": "1"},
    "decode_error": {"long_name": "relative error of the decoded curve", "units": "1"},
    "kink_error": {"long_name": "relative error of the slope changes", "units": "1"},
}


def train(
    point: CurvesPoint, training: CurvesTraining, seeds: Iterable[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds`` at one grid point.

    Returns
    -------
    Dataset with ``loss``, ``decode_error`` and ``kink_error`` (seed, step), ``example_curve``
    (seed, example, x), ``decoded_example`` (seed, snapshot, example, x), ``diverged_at_step``, ``last_step``
    and ``last_x`` (seed).
    """
    return fit_each(seeds, lambda seed: CurvesLearner(point, training, seed), training, METRICS, checkpoint)


class CurvesLearner(Learner):
    """One run. All methods at one (curve_distribution, n_points, seed) share training and held-out curves."""

    def __init__(self, point: CurvesPoint, training: CurvesTraining, seed: int) -> None:
        self.training = training
        self.examples = draw_curves(point, EXAMPLES, "examples")
        self.heldout = draw_curves(point, training.heldout_curves, "heldout", seed=seed)
        self.model = model_of(point, draw_curves(point, training.training_curves, "train", seed=seed), seed)
        self.optimiser = optimiser_of(self.model.parameters, training.optimiser)
        self.batch_stream = stream("curves", "batches", n_points=point.n_points, seed=seed)
        self.steps_taken = torch.tensor(0, device="cpu")
        self.decoded = torch.full((len(training.snapshots), *self.examples.shape), torch.nan, device="cpu")

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps, each on a batch of the training curves."""
        shape = (steps, self.training.batch_size)
        for batch in torch.as_tensor(self.batch_stream.integers(0, self.training.training_curves, shape)):
            self.model.set_gradients(batch)
            self.optimiser.step()
        self.steps_taken += steps
        snapshots, step = self.training.snapshots, int(self.steps_taken)
        if step in snapshots:
            self.decoded[snapshots.index(step)] = self.model.decode(self.examples)

    def evaluate(self) -> dict[str, float]:
        """The loss and both errors on the held-out curves."""
        curves = self.heldout.cpu().double()
        error = self.model.decode(self.heldout) - curves
        height = curves.amax(1) - curves.amin(1)
        relative_error = error.square().mean(1).sqrt() / height
        return {
            "loss": self.model.loss(error).item(),
            "decode_error": relative_error.median().item(),
            "kink_error": (kinks_of(error).norm() / kinks_of(curves).norm()).item(),
        }

    def parts(self) -> Mapping[str, Part]:
        """Weights, optimiser, the stream of batches, and the examples decoded so far."""
        return {
            "parameters": self.model.parameters,
            "optimiser": self.optimiser,
            "batches": self.batch_stream,
            "steps_taken": self.steps_taken,
            "decoded": self.decoded,
        }

    def results(self) -> xr.Dataset:
        """``example_curve`` (example, x), ``decoded_example`` (snapshot, example, x) and ``last_x``.

        Snapshots after a run has diverged are NaN.
        """
        n_points = self.examples.shape[1]
        curve = {"long_name": "example curve", "units": "1"}
        decoded = {"long_name": "decoded example curve", "units": "1"}
        last_x = {"long_name": "last point of a curve", "units": "1"}
        example = {"long_name": "number of the example", "units": "1"}
        return xr.Dataset(
            {
                "example_curve": (("example", "x"), self.examples.cpu().numpy(), curve),
                "decoded_example": (("snapshot", "example", "x"), self.decoded.numpy(), decoded),
                "last_x": ((), n_points - 1, last_x),
            },
            coords={
                "example": ("example", range(1, EXAMPLES + 1), example),
                "snapshot": (
                    "snapshot",
                    self.training.snapshots,
                    {"long_name": "training steps", "units": "1"},
                ),
                "x": ("x", range(n_points), {"long_name": "point x of a curve", "units": "1"}),
            },
        )


class Model(Protocol):
    """What a method trains on a fixed set of curves."""

    parameters: list[Tensor]

    def set_gradients(self, batch: Tensor) -> None:
        """Set ``grad`` of the parameters to the gradient of the loss on the curves with indices ``batch``."""

    def decode(self, curves: Tensor) -> Tensor:
        """The model's version f̂ of ``curves``, both of shape (count, n), in float64."""

    def loss(self, error: Tensor) -> Tensor:
        """The loss in terms of the ``error`` f̂ - f, shape (count, n)."""


def model_of(point: CurvesPoint, curves: Tensor, seed: int) -> Model:
    """The untrained model of a method, for the training set ``curves`` (count, n)."""
    if point.method == "autoencoder":
        return Autoencoder(curves, stream("curves", "weights", n_points=point.n_points, seed=seed))
    if point.method == "convolutional":
        return Encoder(curves, windows)
    if point.method in ("preconditioned", "preconditioned_sgd"):
        whitening = inverse_root(second_moment(windows(curves)))
        return Encoder(curves, lambda curves: (windows(curves).cpu().double() @ whitening).to(curves))
    return Encoder(curves, lambda curves: curves.unsqueeze(1))


class Encoder:
    """A linear map from features of a curve to its slope changes p, decoded by f̂ = W p̂.

    The loss is the squared error of p̂, summed over the outputs of the map and averaged over its rows: a
    matrix has one row with n outputs for each curve, a convolution n rows with one output.

    Parameters
    ----------
    curves : the training set (count, n).
    features : from curves (count, n) to inputs (count, rows, inputs of the map).
    """

    def __init__(self, curves: Tensor, features: Callable[[Tensor], Tensor]) -> None:
        self.features = features
        self.inputs = features(curves)
        self.targets = kinks_of(curves).reshape(*self.inputs.shape[:2], -1)
        self.weights = curves.new_zeros(self.inputs.shape[2], self.targets.shape[2])
        self.weights.grad = torch.zeros_like(self.weights)
        self.parameters = [self.weights]

    def set_gradients(self, batch: Tensor) -> None:
        """Set the gradient 2/rows · Xᵀ(XU - p) of the weights U on one batch."""
        inputs = self.inputs.index_select(0, batch).flatten(0, 1)
        targets = self.targets.index_select(0, batch).flatten(0, 1)
        errors = targets.addmm_(inputs, self.weights, beta=-1)
        torch.addmm(self.weights, inputs.t(), errors, beta=0, alpha=2 / len(inputs), out=self.weights.grad)

    def decode(self, curves: Tensor) -> Tensor:
        """The curves W p̂, in float64 since W sums up the errors of p̂."""
        return curves_of((self.features(curves) @ self.weights).cpu().double().view(curves.shape))

    def loss(self, error: Tensor) -> Tensor:
        """Squared error of p̂ = W⁻¹ f̂."""
        return kinks_of(error).square().mean() * self.targets.shape[2]


class Autoencoder:
    """A deep ReLU network that reconstructs a curve; its loss is the mean squared error.

    Parameters
    ----------
    curves : the training set (count, n).
    """

    def __init__(self, curves: Tensor, rng: np.random.Generator) -> None:
        self.curves = curves
        n = curves.shape[1]
        self.parameters = [layer.requires_grad_() for layer in dense_weights([n, *HIDDEN_WIDTHS, n], rng)]

    def set_gradients(self, batch: Tensor) -> None:
        """Set the gradients by backpropagation."""
        curves = self.curves.index_select(0, batch)
        loss = mse_loss(relu_network(self.parameters, curves), curves)
        for layer, gradient in zip(self.parameters, torch.autograd.grad(loss, self.parameters), strict=True):
            layer.grad = gradient

    @torch.no_grad()
    def decode(self, curves: Tensor) -> Tensor:
        """The reconstructed curves."""
        return relu_network(self.parameters, curves).cpu().double()

    def loss(self, error: Tensor) -> Tensor:
        """Mean squared error."""
        return error.square().mean()


def draw_curves(point: CurvesPoint, count: int, purpose: str, **axes: int) -> Tensor:
    """``count`` curves from the stream of one purpose, shape (count, n), float32."""
    problem = {"curve_distribution": point.curve_distribution, "n_points": point.n_points, **axes}
    rng = stream("curves", purpose, **problem)
    return torch.as_tensor(
        curves_of(draw_kinks(point.curve_distribution, point.n_points, count, rng)).float()
    )


def draw_kinks(
    distribution: CurveDistribution, n_points: int, count: int, rng: np.random.Generator
) -> Tensor:
    """Slope changes p of random curves with three kinks, shape (count, n), float64.

    "figure" takes kinks at points 3 to n - 4 and the slopes between them from ``SLOPES``; "text" takes kinks
    anywhere and slope changes uniform on [-1, 1]. No two kinks of a curve are at the same point.
    """
    margin = 3 if distribution == "figure" else 0
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
