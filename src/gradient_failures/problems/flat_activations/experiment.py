"""Flat activations: learning through a step function (§5 and figure 7 of the extended version).

An input x ~ N(0, I)/d has the pre-activation r = <w*, x> + b*, with w* ~ N(0, I) and b* ~ N(0, 1), and the
label u(r), the largest level at or below r. The levels are known, w* and b* are not. The derivative of u is 0
wherever it exists. Here a "step" is one of training; the steps of u are its "levels", numbered by "class".
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import cross_entropy

from gradient_failures.problems.flat_activations.settings import FlatActivationsSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint, State
from gradient_failures.training.layers import dense_weights, over_seeds
from gradient_failures.training.loop import Learner, fit
from gradient_failures.training.networks import DenseNetwork
from gradient_failures.training.optimisers import Adam
from gradient_failures.training.seeds import streams

Settings = FlatActivationsSettings

DIM = 100
"""Input dimension d."""

HELD_OUT = 2560
"""Held-out samples of one seed; every evaluation of every method is on these."""

LEVELS = np.array(
    sorted({*range(-100, 100, 5), *range(-5, 0), -0.2, 0, 0.1, 0.15, 0.175, *range(1, 6)}), dtype=float
)
"""The 52 levels of u, less b*. Few are ever met: r - b* has a standard deviation of about 0.1."""

VARIABLES = {
    "loss": "the method's own objective",
    "normalised_rms_error": "RMS error / range of the labels",
    "share_within_1_percent": "share of samples that are right within 1 % of the range of the labels",
    "mistakes_near_a_level": "share of the other samples that lie in the tenth nearest to a level, 0 if none",
    "training_cost": "multiply-adds of the matrix products of training",
}


def run(
    settings: FlatActivationsSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds`` by one method.

    Returns
    -------
    Dataset with each of ``VARIABLES`` (seed, step), what :func:`fit` adds, and the results of the learner.
    """
    return fit(seeds, partial(FlatActivationsLearner, settings), settings, VARIABLES, checkpoint)


class FlatActivationsLearner(Learner):
    """Runs of one method. All methods at one seed share target, samples and the first weights drawn."""

    def __init__(self, settings: FlatActivationsSettings, seeds: Sequence[int]) -> None:
        self.targets = torch.stack([draw_target(rng) for rng in streams("steps", "target", seeds)])
        if settings.fixed_target_bias is not None:
            self.targets[:, -1] = settings.fixed_target_bias
        self.levels = levels_at(self.targets[:, -1])
        self.sampler = Sampler(self.targets, settings.batch_size, seeds, "training samples")
        inputs, pre_activations = Sampler(self.targets, HELD_OUT, seeds, "held-out samples").draw()
        self.pre_activations, order = pre_activations.sort()
        self.inputs = inputs.take_along_dim(order.unsqueeze(2), 1)
        self.classes = classes_of(self.pre_activations, self.levels)

        self.objective = OBJECTIVES[settings.approach](self.levels)
        widths = [DIM, *settings.hidden_widths, self.objective.n_scores]
        layers = over_seeds(dense_weights(widths, rng) for rng in streams("steps", "weights", seeds))
        self.network = DenseNetwork(layers, settings.batch_size)
        self.optimiser = Adam(layers, settings.optimiser)
        self.cost_of_a_step = settings.batch_size * multiply_adds(layers)

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps of Adam, each on a fresh batch."""
        for _ in range(steps):
            inputs, pre_activations = self.sampler.draw()
            classes = classes_of(pre_activations, self.levels)
            self.network.backward(self.objective.error(self.network.forward(inputs), classes))
            self.optimiser.step()

    def evaluate(self) -> dict[str, Tensor]:
        """All of ``VARIABLES`` on the held-out samples."""
        scores = self.network.outputs(self.inputs)
        # u gives even a NaN a level, so the scores themselves tell whether the run has diverged.
        finite = scores.isfinite().flatten(1).all(1)
        loss = self.objective.loss(scores, self.classes).where(finite, torch.nan).cpu()
        cost = float(self.optimiser.steps_taken) * self.cost_of_a_step
        return {
            "loss": loss,
            **accuracy(self.objective.outputs(scores), self.pre_activations, self.levels),
            "training_cost": torch.full_like(loss, cost, dtype=torch.float64),
        }

    def state(self) -> Mapping[str, State]:
        """Weights, optimiser and the generators of samples."""
        return {
            "layers": self.network.layers,
            "optimiser": self.optimiser.state,
            "samples": self.sampler.generators,
        }

    def results(self) -> xr.Dataset:
        """The held-out samples, sorted by r, after the last step, and the targets.

        Returns
        -------
        Dataset with ``pre_activation``, ``label``, ``output`` and ``approximation`` (seed, sample), and
        ``target_bias`` (seed); its coordinate ``level`` has the levels of u for a target without bias.
        """
        labels = self.levels.gather(1, self.classes)
        outputs = self.objective.outputs(self.network.outputs(self.inputs))
        approximation = NonFlatApproximation(self.levels).outputs(self.pre_activations.unsqueeze(2))
        r, label, output, smooth, bias = (
            values.cpu().numpy()
            for values in (self.pre_activations, labels, outputs, approximation, self.targets[:, -1])
        )
        samples = ("seed", "sample")
        return labelled(
            {
                "pre_activation": (samples, r, "pre-activation r = <w*, x> + b*"),
                "label": (samples, label, "label u(r)"),
                "output": (samples, output, "output after the last step"),
                "approximation": (samples, smooth, "smooth approximation ũ(r)"),
                "target_bias": ("seed", bias.astype(float), "bias b* of the target"),
            },
            {
                "sample": (np.arange(HELD_OUT), "held-out sample, in the order of r"),
                "level": (LEVELS, "level of u, less b*"),
            },
        )


def draw_target(rng: np.random.Generator) -> Tensor:
    """The weights w* and, last, the bias b* of the target, all N(0, 1); shape (d + 1,), float32."""
    return torch.as_tensor(rng.standard_normal(DIM + 1).astype(np.float32))


def levels_at(biases: Tensor) -> Tensor:
    """The levels of u for targets of these biases b* (seeds,), ascending, shape (seeds, 52), float32."""
    return torch.as_tensor(np.add.outer(biases.cpu().double().numpy(), LEVELS).astype(np.float32))


def classes_of(pre_activations: Tensor, levels: Tensor) -> Tensor:
    """Index of the largest of ``levels`` (seeds, 52) at or below each pre-activation, 0 below all.

    Parameters
    ----------
    pre_activations : shape (seeds, n), as that of the result, int64; for levels (52,) any shape.
    """
    return torch.searchsorted(levels, pre_activations, right=True).sub_(1).clamp_min_(0)


class Sampler:
    """Fresh batches of samples, each drawn into the buffers of the one before.

    Torch draws them, three times as fast as NumPy, from a seed that the named stream gives.
    """

    def __init__(self, targets: Tensor, size: int, seeds: Sequence[int], purpose: str) -> None:
        self.targets = targets.unsqueeze(2)
        self.generators = [
            torch.Generator("cpu").manual_seed(int(rng.integers(2**63)))
            for rng in streams("steps", purpose, seeds)
        ]
        self._inputs = torch.empty(len(seeds), size, targets.shape[1], device="cpu")

    def draw(self) -> tuple[Tensor, Tensor]:
        """Inputs (seeds, size, d + 1), the last column ones, and their pre-activations r (seeds, size)."""
        dim = self.targets.shape[1] - 1
        for inputs, generator in zip(self._inputs, self.generators, strict=True):
            inputs.normal_(std=1 / dim, generator=generator)
        self._inputs[:, :, -1] = 1
        samples = torch.as_tensor(self._inputs)
        return samples, (samples @ self.targets).squeeze(2)


class SquaredLoss:
    """Squared error of an output that one score decides; end-to-end, the score itself is the output.

    Parameters
    ----------
    levels : of the targets, shape (seeds, 52).
    """

    n_scores = 1
    factor = 1.0

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels

    def outputs(self, scores: Tensor) -> Tensor:
        """Predicted labels, shape (seeds, n), from the ``scores`` (seeds, n, n_scores) of the network."""
        return self.output_and_slope(scores)[0].squeeze(2)

    def loss(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Mean loss (seeds,); ``classes`` (seeds, n) are those of the labels."""
        return self.factor * (self.outputs(scores) - self.levels.gather(1, classes)).square().mean(1)

    def error(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Gradient of the loss in the scores, or what the method puts in its place; shape of ``scores``."""
        output, slope = self.output_and_slope(scores)
        residual = output - self.levels.gather(1, classes).unsqueeze(2)
        return residual.mul_(slope).mul_(2 * self.factor / scores.shape[1])

    def output_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor | float]:
        """Output and its derivative in the score, shape (seeds, n, 1)."""
        return scores, 1.0


class NonFlatApproximation(SquaredLoss):
    """The score goes through ũ = z₀ + Σ (z_i - z_{i-1}) σ(c_i (r - m_i)), a smooth version of u.

    For the levels z_i, c_i = 50/(z_i - z_{i-1}) and m_i = z_i - (z_i - z_{i-1})/20, as in the released code.
    """

    def __init__(self, levels: Tensor) -> None:
        super().__init__(levels)
        gaps = levels.diff()
        self.centres = (levels[:, 1:] - gaps / 20).unsqueeze(1)
        self.sharpness = 50 / gaps.unsqueeze(1)
        self.gaps, self.lowest = gaps.unsqueeze(2), levels[:, :1].unsqueeze(1)

    def output_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor | float]:
        """ũ and its derivative at the scores; each term of the derivative has gap · sharpness = 50."""
        rises = (scores - self.centres).mul_(self.sharpness).sigmoid_()
        output = torch.baddbmm(self.lowest, rises, self.gaps)
        return output, (1 - rises).mul_(rises).sum(2, keepdim=True).mul_(50)


class ForwardOnly(SquaredLoss):
    """The score goes through u itself; half the squared error, and 1 in place of the derivative of u."""

    factor = 0.5

    def output_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor | float]:
        """u at the scores, and 1."""
        classes = classes_of(scores.squeeze(2), self.levels)
        return self.levels.gather(1, classes).unsqueeze(2), 1.0


class Multiclass:
    """One score for each level; cross-entropy. The output is the level of the largest score.

    Parameters
    ----------
    levels : of the targets, shape (seeds, 52).
    """

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels
        self.n_scores = levels.shape[1]

    def outputs(self, scores: Tensor) -> Tensor:
        """Predicted labels, shape (seeds, n), from the ``scores`` (seeds, n, n_scores) of the network."""
        return self.levels.gather(1, scores.argmax(2))

    def loss(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Mean cross-entropy in nats (seeds,); ``classes`` (seeds, n) are those of the labels."""
        return cross_entropy(scores.mT, classes, reduction="none").mean(1)

    def error(self, scores: Tensor, classes: Tensor) -> Tensor:
        """Gradient of the loss in the scores, shape of ``scores``."""
        shares = torch.softmax(scores, 2)
        right = classes.unsqueeze(2)
        shares.scatter_add_(2, right, shares.new_full(right.shape, -1))
        return shares.div_(shares.shape[1])


OBJECTIVES: dict[str, type[SquaredLoss] | type[Multiclass]] = {
    "non_flat_approximation": NonFlatApproximation,
    "end_to_end": SquaredLoss,
    "multiclass": Multiclass,
    "forward_only": ForwardOnly,
}


def accuracy(outputs: Tensor, pre_activations: Tensor, levels: Tensor) -> dict[str, Tensor]:
    """How well ``outputs`` (seeds, n) fit the labels u(``pre_activations``), relative to their range.

    The range counts as 1 where all labels are the same.
    """
    labels = levels.gather(1, classes_of(pre_activations, levels))
    label_range = (labels.amax(1) - labels.amin(1)).cpu().double()
    label_range[label_range == 0] = 1
    deviation = (outputs - labels).cpu().double() / label_range[:, None]
    mistakes = deviation.abs() > 0.01
    distance = (pre_activations[:, :, None] - levels[:, None]).abs().amin(2)
    near = (distance <= distance.quantile(0.1, dim=1, keepdim=True)).cpu()
    return {
        "normalised_rms_error": deviation.square().mean(1).sqrt(),
        "share_within_1_percent": 1 - mistakes.double().mean(1),
        "mistakes_near_a_level": (mistakes & near).sum(1) / mistakes.sum(1).clamp_min(1).double(),
    }


def multiply_adds(layers: Sequence[Tensor]) -> int:
    """Multiply-adds of one network's forward and backward pass for one sample, matrix products only."""
    first, *others = (layer[0] for layer in layers)
    return 2 * first.numel() + sum(2 * layer.numel() + layer[:-1].numel() for layer in others)
