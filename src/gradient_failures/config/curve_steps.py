"""Configuration of the steps that SGD takes on the convolutional and the preconditioned problem (§4)."""

from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Axis, Strict
from gradient_failures.config.curves import NumberOfPoints
from gradient_failures.config.seeded import SeededDiagnostic


class CurveStepsSettings(Strict):
    """What one run is."""

    n_points: Axis[NumberOfPoints]
    """Points n of a curve."""

    training_curves: PositiveInt
    """Curves of the training set, which are drawn once and used again and again."""

    batch_size: PositiveInt
    """Curves drawn from the training set in each step, with replacement."""

    error_level: Annotated[float, Field(gt=0, lt=1)]
    """Relative error of the slope changes at which a run is done."""

    max_steps: PositiveInt
    """Steps after which a run that is not done is given up; it counts as censored."""


class CurveStepsConfig(SeededDiagnostic):
    """Train a filter by SGD with and without preconditioning, on curves of more and more points."""

    axis: ClassVar[str | None] = "n_points"

    settings: CurveStepsSettings
    """The curves, and when a run is done."""
