"""Configuration of the experiment on piecewise-linear curves (§4, figure 5 ICML = 6 extended)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from gradient_failures.config.base import Axis, Experiment, FileName, Point, Sweep, Training
from gradient_failures.config.optimisers import OptimiserConfig

Method = Literal[
    "linear",
    "linear_sgd",
    "linear_adagrad",
    "convolutional",
    "preconditioned",
    "preconditioned_sgd",
    "autoencoder",
]
CurveDistribution = Literal["figure", "text"]
NumberOfPoints = Annotated[int, Field(ge=10)]


class CurvesPoint(Point):
    """One grid point of the experiment on curves."""

    method: Method
    curve_distribution: CurveDistribution = "figure"
    n_points: NumberOfPoints = 100


class CurvesSweep(Sweep):
    """A grid over the axes of the experiment on curves."""

    point: ClassVar[type[Point]] = CurvesPoint

    method: Axis[Method]
    """What is trained: "linear" predicts the slope changes p by a matrix, "convolutional" by a filter of
    three taps, "preconditioned" by such a filter on whitened windows; "autoencoder" reconstructs the curve
    through six ReLU units. Names with "_sgd" and "_adagrad" are the same with these optimisers."""

    curve_distribution: Axis[CurveDistribution] | None = None
    """"figure" draws kinks inside the curve and one of four sequences of slopes, as in the released code (the
    default); "text" draws kinks anywhere and slope changes uniform on [-1, 1] (§4)."""

    n_points: Axis[NumberOfPoints] | None = None
    """Points n of a curve; the paper's 100 if left out."""


class CurvesTraining(Training):
    """Settings of the runs of one method."""

    snapshots: Axis[PositiveInt]
    """Steps at which the decoded example curves are kept; each must be one of the evaluations."""

    training_curves: PositiveInt
    """Curves of the training set, which are drawn once and used again and again."""

    heldout_curves: PositiveInt
    """Fresh curves that every evaluation uses."""

    batch_size: PositiveInt
    """Curves drawn from the training set in each step, with replacement."""

    optimiser: OptimiserConfig
    """What takes the steps."""

    @model_validator(mode="after")
    def _snapshots_are_evaluations(self) -> Self:
        for step in self.snapshots:
            if step > self.steps or (step % self.eval_every and step != self.steps):
                raise ValueError(
                    f"snapshot {step} is no evaluation; allowed: multiples of {self.eval_every} "
                    f"up to {self.steps}, and {self.steps}"
                )
        return self


class CurvesConfig(Experiment):
    """The experiment on curves: find the kinks of a piecewise-linear curve (§4, figure 5 ICML)."""

    training_axis: ClassVar[str | None] = "method"
    evidence: ClassVar[Mapping[str, set[str]]] = {
        "curves": {"method"},
        "curves_text": {"method", "curve_distribution"},
    }

    training: Mapping[Method, CurvesTraining]
    """Hyper-parameters of each method."""

    sweeps: Mapping[FileName, CurvesSweep]
    """Grids by name; each becomes ``metrics/NAME.nc``."""
