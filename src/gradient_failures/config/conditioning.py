"""Configuration of the condition numbers of the problems on curves (§4)."""

from pydantic import PositiveInt

from gradient_failures.config.base import Axis, Diagnostic
from gradient_failures.config.curves import NumberOfPoints


class ConditioningConfig(Diagnostic):
    """Condition numbers of the linear, the convolutional and the preconditioned problem, without training."""

    n_points: Axis[NumberOfPoints]
    """Points n of a curve."""

    training_curves: Axis[PositiveInt]
    """Numbers of curves from which the preconditioner is estimated."""

    seeds: PositiveInt
    """Independent estimates of the preconditioner."""
