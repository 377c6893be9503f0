"""Configuration of the experiment on flat activations: learning a step function (figure 7 extended)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import PositiveInt

from gradient_failures.config.base import Axis, Experiment, FileName, Point, Sweep, Training
from gradient_failures.config.optimisers import AdamConfig

Method = Literal["non_flat_approximation", "end_to_end", "multiclass", "forward_only"]


class StepsPoint(Point):
    """One grid point of the experiment on flat activations."""

    method: Method


class StepsSweep(Sweep):
    """A grid over the axis of the experiment on flat activations."""

    point: ClassVar[type[Point]] = StepsPoint

    method: Axis[Method]
    """"non_flat_approximation" follows the gradient through a smooth approximation of the step function,
    "end_to_end" fits the label with a network, "multiclass" classifies to which step an input belongs,
    "forward_only" puts 1 for the derivative of the step function, which is 0."""


class StepsTraining(Training):
    """Hyper-parameters of the runs of one method."""

    batch_size: PositiveInt
    """Fresh samples in each training step."""

    hidden_widths: list[PositiveInt]
    """Units of each hidden ReLU layer; none for a linear predictor."""

    optimiser: AdamConfig
    """Adam, as in the released settings."""


class StepsConfig(Experiment):
    """Flat activations: learn x ↦ u(<w*, x> + b*) for a known step function u, by four methods."""

    training_axis: ClassVar[str | None] = "method"
    evidence: ClassVar[Mapping[str, set[str]]] = {"steps": {"method"}}

    training: Mapping[Method, StepsTraining]
    """Hyper-parameters by method."""

    sweeps: Mapping[FileName, StepsSweep]
    """Grids by name; each becomes ``metrics/NAME.nc``."""
