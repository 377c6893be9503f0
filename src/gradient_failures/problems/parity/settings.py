"""Settings of what is computed on random parities (§2, figure 1, theorem 1, lemma 3)."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from gradient_failures.config.base import PositiveNumber, Settings, TrainingSettings, Values

Architecture = Annotated[str, Field(pattern=r"^[1-9][0-9]*d(-[1-9][0-9]*d)*$")]
InputEncoding = Literal["signs", "bits"]

LOSSES = ("squared", "hinge")
"""The losses whose gradient is measured."""

RATE_FROM = 8
"""Smallest dimension d from which the rate of decay is fitted."""


class ParityTraining(TrainingSettings):
    """How every parity is trained: hinge loss, plain SGD on fresh samples (§2.1)."""

    eval_samples: PositiveInt
    """Fresh samples in each evaluation (the released code takes 500; more only lowers the noise)."""

    batch_size: PositiveInt
    """Fresh samples in each SGD step."""

    learning_rate: PositiveNumber
    """Step size of SGD."""


class ParitySettings(ParityTraining):
    """Learning y = (-1)^<x, v*> from uniform x by SGD (§2.1, figure 1)."""

    dim: Annotated[int, Field(ge=1, le=10_000, title="input dimension d")]
    """Input dimension d (§2.1)."""

    fixed_subset_size: Annotated[
        NonNegativeInt | None, Field(title="size |v*| of the subset that decides the label")
    ] = None
    """Number |v*| of coordinates the label depends on. Left out, the target v* is uniform on
    {0,1}^d as in the paper; given, v* is uniform among the subsets of that size (ours)."""

    architecture: Annotated[Architecture, Field(title="hidden layers, in multiples of d")] = "10d"
    """Hidden ReLU layers in multiples of d, e.g. "10d" (the paper's) or "10d-10d" (two layers)."""

    input_encoding: Annotated[InputEncoding, Field(title="encoding of the input bits")] = "signs"
    """How the network sees a bit: "signs" is +1 for 0 and -1 for 1, as in the released code (the default);
    "bits" is 0 and 1, as in the text (§2.1)."""

    @model_validator(mode="after")
    def _subset_fits(self) -> Self:
        if self.fixed_subset_size is not None and self.fixed_subset_size > self.dim:
            raise ValueError(
                f"fixed_subset_size {self.fixed_subset_size} is larger than dim {self.dim}; "
                f"allowed: 0 to {self.dim}"
            )
        return self

    def hidden_widths(self) -> list[int]:
        """Widths of the hidden layers in units."""
        return [int(factor) * self.dim for factor in re.findall(r"(\d+)d", self.architecture)]


class GradientVarianceSettings(Settings):
    """How much the gradient depends on the parity to be learnt; seeds are those of the training runs."""

    dim: Values[Annotated[int, Field(ge=1, le=60)]]
    """Input dimensions d of networks at their initial weights; two or more from 8 on, for the rate."""

    architecture: Values[Architecture]
    """Hidden layers of those networks in multiples of d; the first one is drawn with its noise."""

    trained_dim: Values[Annotated[int, Field(ge=1, le=60)]]
    """Input dimensions d of networks, of one hidden layer of 10d, that are followed along training."""

    checkpoints: Values[NonNegativeInt]
    """Training steps after which they are measured, in rising order; no more than training.steps."""

    enumerable_dim: Annotated[int, Field(ge=1, le=14)]
    """Largest d at which all 2^d inputs are enumerated, along training all 2^d targets too; beyond it inputs
    are sampled. At least one of ``trained_dim`` is that small."""

    sampled_inputs: Annotated[int, Field(ge=2)]
    """Inputs drawn for each network beyond ``enumerable_dim``."""

    training: ParityTraining
    """How those runs are trained: as in the parity experiment."""

    @model_validator(mode="after")
    def _rate_and_run_are_possible(self) -> Self:
        if sum(dim >= RATE_FROM for dim in self.dim) < 2:
            raise ValueError(f"dim needs two values from {RATE_FROM} on, to fit the rate of decay")
        if min(self.trained_dim) > self.enumerable_dim:
            raise ValueError("trained_dim needs a value up to enumerable_dim, to enumerate the targets")
        if self.checkpoints != sorted(self.checkpoints) or self.checkpoints[-1] > self.training.steps:
            raise ValueError(
                f"checkpoints must rise, and end at training.steps {self.training.steps} or before"
            )
        return self


class RealisabilitySettings(Settings):
    """The explicit network of lemma 3 against the parities that it should represent (supplement C)."""

    exhaustive_dim: Values[Annotated[int, Field(ge=1, le=14)]]
    """Input dimensions d at which all 2^d targets meet all 2^d inputs."""

    sampled_dim: Values[Annotated[int, Field(ge=1, le=1000)]]
    """Input dimensions d at which targets and inputs are sampled."""

    sampled_targets: PositiveInt
    """Targets drawn uniformly at each sampled dimension."""

    sampled_inputs: PositiveInt
    """Inputs drawn uniformly for each of those targets."""
