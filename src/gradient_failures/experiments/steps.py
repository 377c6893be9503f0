"""Flat activations: learning through a step function (§5 and figure 7 of the extended version).

An input x ~ N(0, I)/d has the pre-activation r = <w*, x> + b*, with w* ~ N(0, I) and b* ~ N(0, 1), and the
label u(r), the largest level at or below r. The levels are known, w* and b* are not. The derivative of u is 0
wherever it exists. Here a "step" is one of training; the steps of u are its "levels", numbered by "class".
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import cross_entropy

from gradient_failures.checkpoint import Checkpoint, Part
from gradient_failures.config.steps import StepsPoint, StepsTraining
from gradient_failures.layers import dense_weights
from gradient_failures.networks import DenseNetwork
from gradient_failures.optimisers import Adam
from gradient_failures.seeds import stream
from gradient_failures.training import Learner, fit_each

Point = StepsPoint
Training = StepsTraining

DIM = 100
"""Input dimension d."""

HELD_OUT = 2560
"""Held-out samples of one seed; every evaluation of every method is on these."""

LEVELS = np.array(
    sorted({*range(-100, 100, 5), *range(-5, 0), -0.2, 0, 0.1, 0.15, 0.175, *range(1, 6)}), dtype=float
)
"""The 52 levels of u, less b*. Few are ever met: r - b* has a standard deviation of about 0.1."""

METRICS = {
    "loss": {"long_name": "the method's own objective", "units": "1"},
    "normalised_rms_error": {"long_name": "RMS error / range of the labels", "units": "1"},
    "share_within_1_percent": {
        "long_name": "share of samples that are right within 1 % of the range of the labels",
        "units": "1",
    },
    "mistakes_near_a_level": {
        "long_name": "share of the other samples that lie in the tenth nearest to a level, 0 if none",
        "units": "1",
    },
    "training_cost": {"long_name": "multiply-adds of the matrix products of training", "units": "1"},
}

SAMPLES = {
    "pre_activation": {"long_name": "pre-activation r = <w*, x> + b*", "units": "1"},
    "label": {"long_name": "label u(r)", "units": "1"},
    "output": {"long_name": "output after the last step", "units": "1"},
}

SAMPLE_ATTRIBUTES = {"long_name": "held-out sample, in the order of r", "units": "1"}
TARGET_BIAS_ATTRIBUTES = {"long_name": "bias b* of the target", "units": "1"}


def train(
    point: StepsPoint, training: StepsTraining, seeds: Iterable[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds`` by one method.

    Returns
    -------
    Dataset with each of ``METRICS`` (seed, step), each of ``SAMPLES`` (seed, sample), and
    ``target_bias`` and ``diverged_at_step`` (seed).
    """
    return fit_each(seeds, lambda seed: StepsLearner(point, training, seed), training, METRICS, checkpoint)


class StepsLearner(Learner):
    """One run. All methods at one seed share the target, the samples and the first of the weights drawn."""

    def __init__(self, point: StepsPoint, training: StepsTraining, seed: int) -> None:
        self.target = draw_target(stream("steps", "target", seed=seed))
        self.levels = levels_at(self.target[-1].item())
        self.sampler = Sampler(self.target, training.batch_size, seed, "training samples")
        inputs, pre_activations = Sampler(self.target, HELD_OUT, seed, "held-out samples").draw()
        self.pre_activations, order = pre_activations.sort()
        self.inputs = inputs[order]
        self.classes = classes_of(self.pre_activations, self.levels)

        self.objective = OBJECTIVES[point.method](self.levels)
        widths = [DIM, *training.hidden_widths, self.objective.n_scores]
        layers = dense_weights(widths, stream("steps", "weights", seed=seed))
        self.network = DenseNetwork(layers, training.batch_size)
        self.optimiser = Adam(layers, training.optimiser)
        self.cost_of_a_step = training.batch_size * multiply_adds(layers)

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps of Adam, each on a fresh batch."""
        for _ in range(steps):
            inputs, pre_activations = self.sampler.draw()
            scores = self.network.forward(inputs)
            self.network.backward(self.objective.error(scores, classes_of(pre_activations, self.levels)))
            self.optimiser.step()

    def evaluate(self) -> dict[str, float]:
        """All of ``METRICS`` on the held-out samples."""
        scores = self.network.outputs(self.inputs)
        # u gives even a NaN a level, so the scores themselves tell whether the run has diverged.
        loss = self.objective.loss(scores, self.classes).item() if scores.isfinite().all() else math.nan
        return {
            "loss": loss,
            **accuracy(self.objective.outputs(scores), self.pre_activations, self.levels),
            "training_cost": float(self.optimiser.steps_taken * self.cost_of_a_step),
        }

    def parts(self) -> Mapping[str, Part]:
        """Weights, optimiser and the generator of samples."""
        return {
            "layers": self.network.layers,
            "optimiser": self.optimiser,
            "samples": self.sampler.generator,
        }

    def results(self) -> xr.Dataset:
        """All of ``SAMPLES`` (sample) on the held-out samples, sorted by r, and ``target_bias``."""
        values = {
            "pre_activation": self.pre_activations,
            "label": self.levels[self.classes],
            "output": self.objective.outputs(self.network.outputs(self.inputs)),
        }
        samples = {
            name: ("sample", values[name].cpu().numpy(), attributes) for name, attributes in SAMPLES.items()
        }
        target_bias = ((), self.target[-1].item(), TARGET_BIAS_ATTRIBUTES)
        sample = ("sample", np.arange(HELD_OUT), SAMPLE_ATTRIBUTES)
        return xr.Dataset({**samples, "target_bias": target_bias}, coords={"sample": sample})


def draw_target(rng: np.random.Generator) -> Tensor:
    """The weights w* and, last, the bias b* of the target, all N(0, 1); shape (d + 1,), float32."""
    return torch.as_tensor(rng.standard_normal(DIM + 1).astype(np.float32))


def levels_at(bias: float) -> Tensor:
    """The levels of u for a target of that bias b*, ascending, shape (52,), float32."""
    return torch.as_tensor((bias + LEVELS).astype(np.float32))


def classes_of(pre_activations: Tensor, levels: Tensor) -> Tensor:
    """Index of the largest level at or below each pre-activation, 0 below all; same shape, int64."""
    return torch.searchsorted(levels, pre_activations, right=True).sub_(1).clamp_min_(0)


class Sampler:
    """Fresh batches of samples, each drawn into the buffers of the one before.

    Torch draws them, three times as fast as NumPy, from a seed that the named stream gives.
    """

    def __init__(self, target: Tensor, size: int, seed: int, purpose: str) -> None:
        self.target = target
        self.generator = torch.Generator("cpu").manual_seed(
            int(stream("steps", purpose, seed=seed).integers(2**63))
        )
        self._inputs = torch.empty(size, len(target), device="cpu")

    def draw(self) -> tuple[Tensor, Tensor]:
        """Inputs (size, d + 1), whose last column is ones, and their pre-activations r (size,)."""
        self._inputs.normal_(std=1 / (len(self.target) - 1), generator=self.generator)
        self._inputs[:, -1] = 1
        inputs = torch.as_tensor(self._inputs)
        return inputs, inputs @ self.target


class SquaredLoss:
    """Squared error of an output that one score decides; end-to-end, the score itself is the output."""

    n_scores = 1
    factor = 1.0

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels

    def outputs(self, scores: Tensor) -> Tensor:
        """Predicted labels, shape (n,), from the ``scores`` (n, n_scores) of the network."""
        return self.output_and_slope(scores)[0][:, 0]

    def loss(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Mean loss; ``classes`` (n,) are those of the labels."""
        return self.factor * (self.outputs(scores) - self.levels[classes]).square().mean()

    def error(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Gradient of the loss in the scores, or what the method puts in its place; shape of ``scores``."""
        output, slope = self.output_and_slope(scores)
        residual = output - self.levels[classes][:, None]
        return residual.mul_(slope).mul_(2 * self.factor / len(scores))

    def output_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor | float]:
        """Output and its derivative in the score, shape (n, 1)."""
        return scores, 1.0


class NonFlatApproximation(SquaredLoss):
    """The score goes through ũ = z₀ + Σ (z_i - z_{i-1}) σ(c_i (r - m_i)), a smooth version of u.

    For the levels z_i, c_i = 50/(z_i - z_{i-1}) and m_i = z_i - (z_i - z_{i-1})/20, as in the released code.
    """

    def __init__(self, levels: Tensor) -> None:
        super().__init__(levels)
        self.gaps = levels.diff()
        self.centres = levels[1:] - self.gaps / 20
        self.sharpness = 50 / self.gaps

    def output_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor | float]:
        """ũ and its derivative at the scores; each term of the derivative has gap · sharpness = 50."""
        rises = (scores - self.centres).mul_(self.sharpness).sigmoid_()
        output = torch.addmm(self.levels[:1], rises, self.gaps[:, None])
        return output, (1 - rises).mul_(rises).sum(1, keepdim=True).mul_(50)


class ForwardOnly(SquaredLoss):
    """The score goes through u itself; half the squared error, and 1 in place of the derivative of u."""

    factor = 0.5

    def output_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor | float]:
        """u at the scores, and 1."""
        return self.levels[classes_of(scores, self.levels)], 1.0


class Multiclass:
    """One score for each level; cross-entropy. The output is the level of the largest score."""

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels
        self.n_scores = len(levels)

    def outputs(self, scores: Tensor) -> Tensor:
        """Predicted labels, shape (n,), from the ``scores`` (n, n_scores) of the network."""
        return self.levels[scores.argmax(1)]

    def loss(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Mean cross-entropy in nats; ``classes`` (n,) are those of the labels."""
        return cross_entropy(scores, classes)

    def error(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Gradient of the loss in the scores, shape of ``scores``."""
        shares = torch.softmax(scores, 1)
        shares.scatter_add_(1, classes[:, None], shares.new_full((len(shares), 1), -1))
        return shares.div_(len(shares))


OBJECTIVES: dict[str, type[SquaredLoss] | type[Multiclass]] = {
    "non_flat_approximation": NonFlatApproximation,
    "end_to_end": SquaredLoss,
    "multiclass": Multiclass,
    "forward_only": ForwardOnly,
}


def accuracy(outputs: Tensor, pre_activations: Tensor, levels: Tensor) -> dict[str, float]:
    """How well ``outputs`` (n,) fit the labels u(``pre_activations``), relative to the range of the labels.

    The range counts as 1 where all labels are the same.
    """
    labels = levels[classes_of(pre_activations, levels)]
    label_range = (labels.max() - labels.min()).item() or 1.0
    deviation = (outputs - labels).cpu().double() / label_range
    mistakes = deviation.abs() > 0.01
    distance = (pre_activations[:, None] - levels).abs().amin(1)
    near = (distance <= distance.quantile(0.1)).cpu()
    return {
        "normalised_rms_error": deviation.square().mean().sqrt().item(),
        "share_within_1_percent": 1 - mistakes.double().mean().item(),
        "mistakes_near_a_level": (mistakes & near).sum().item() / max(mistakes.sum().item(), 1),
    }


def multiply_adds(layers: Iterable[Tensor]) -> int:
    """Multiply-adds of a network's forward and backward pass for one sample, matrix products only."""
    first, *others = layers
    return 2 * first.numel() + sum(2 * layer.numel() + layer[:-1].numel() for layer in others)
