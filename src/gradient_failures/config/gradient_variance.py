"""Configuration of the gradient's variance across parity targets (theorem 1)."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, model_validator

from gradient_failures.config.base import Axis, Strict
from gradient_failures.config.parity import Architecture, ParityTraining
from gradient_failures.config.seeded import SeededDiagnostic

RATE_FROM = 8
"""Smallest dimension d from which the rate of decay is fitted."""


class GradientVarianceSettings(Strict):
    """The networks of §2.1 that are measured, and how."""

    dim: Axis[Annotated[int, Field(ge=1, le=60)]]
    """Input dimensions d of networks at their initial weights; two or more from 8 on, for the rate."""

    architecture: Axis[Architecture]
    """Hidden layers of those networks in multiples of d; the first one is drawn with its noise."""

    trained_dim: Axis[Annotated[int, Field(ge=1, le=60)]]
    """Input dimensions d of networks, of one hidden layer of 10d, that are followed along training."""

    checkpoints: Axis[NonNegativeInt]
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


class GradientVarianceConfig(SeededDiagnostic):
    """How much the gradient depends on the parity that is to be learnt; seeds are those of its experiment."""

    settings: GradientVarianceSettings
    """The networks that are measured, and how."""
