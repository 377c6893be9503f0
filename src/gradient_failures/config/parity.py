"""Configuration of the parity experiment (§2.1, figure 1)."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from gradient_failures.config.base import Axis, Experiment, FileName, Point, PositiveNumber, Sweep, Training

Dim = Annotated[int, Field(ge=1, le=10_000)]
SubsetSize = Annotated[int, Field(ge=0)]
Architecture = Annotated[str, Field(pattern=r"^[1-9][0-9]*d(-[1-9][0-9]*d)*$")]
InputEncoding = Literal["signs", "bits"]


class ParityPoint(Point):
    """One grid point of the parity experiment."""

    dim: Dim
    fixed_subset_size: SubsetSize | None = None
    architecture: Architecture = "10d"
    input_encoding: InputEncoding = "signs"

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


class ParitySweep(Sweep):
    """A grid over the axes of the parity experiment."""

    point: ClassVar[type[Point]] = ParityPoint

    dim: Axis[Dim]
    """Input dimension d (§2.1)."""

    fixed_subset_size: Axis[SubsetSize] | None = None
    """Number |v*| of coordinates the label depends on. Left out, the target v* is uniform on
    {0,1}^d as in the paper; given, v* is uniform among the subsets of that size (ours)."""

    architecture: Axis[Architecture] | None = None
    """Hidden ReLU layers in multiples of d, e.g. "10d" (the paper's) or "10d-10d" (two layers)."""

    input_encoding: Axis[InputEncoding] | None = None
    """How the network sees a bit: "signs" is +1 for 0 and -1 for 1, as in the released code (the default);
    "bits" is 0 and 1, as in the text (§2.1)."""


class ParityTraining(Training):
    """Hyper-parameters of every parity run: hinge loss, plain SGD on fresh samples (§2.1)."""

    eval_samples: PositiveInt
    """Fresh samples in each evaluation (the released code takes 500; more only lowers the noise)."""

    batch_size: PositiveInt
    """Fresh samples in each SGD step."""

    learning_rate: PositiveNumber
    """Step size of SGD."""


class ParityConfig(Experiment):
    """The parity experiment: learn y = (-1)^<x, v*> from uniform x by SGD (§2.1, figure 1)."""

    evidence: ClassVar[Mapping[str, set[str]]] = {
        "parity": {"dim"},
        "parity_subset_size": {"dim", "fixed_subset_size"},
        "parity_architecture": {"dim", "architecture"},
        "parity_encoding": {"dim", "input_encoding"},
    }

    training: ParityTraining
    """Hyper-parameters shared by all runs."""

    sweeps: Mapping[FileName, ParitySweep]
    """Grids by name; each becomes ``metrics/NAME.nc``."""
