"""Settings of what is computed on piecewise-linear curves (§4, figure 5 ICML = 6 extended)."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from gradient_failures.config.base import Settings, TrainingSettings, Values
from gradient_failures.config.optimisers import OptimiserConfig

Approach = Literal["linear", "convolutional", "preconditioned", "autoencoder"]
CurveDistribution = Literal["figure", "text"]
NumberOfPoints = Annotated[int, Field(ge=10, title="points n of a curve")]


class CurvesSettings(TrainingSettings):
    """Finding the kinks of a piecewise-linear curve (§4, figure 5 ICML)."""

    approach: Annotated[Approach, Field(title="what is trained")]
    """What is trained: "linear" predicts the slope changes p by a matrix, "convolutional" by a filter of
    three taps, "preconditioned" by such a filter on whitened windows; "autoencoder" reconstructs the curve
    through six ReLU units."""

    curve_distribution: Annotated[CurveDistribution, Field(title="distribution of the curves")] = "figure"
    """"figure" draws kinks inside the curve and one of four sequences of slopes, as in the released code (the
    default); "text" draws kinks anywhere and slope changes uniform on [-1, 1] (§4)."""

    n_points: NumberOfPoints = 100
    """Points n of a curve; the paper's 100 if left out."""

    snapshots: Values[PositiveInt]
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


class ConditioningSettings(Settings):
    """Condition numbers of the linear, the convolutional and the preconditioned problem, without training."""

    n_points: Values[NumberOfPoints]
    """Points n of a curve."""

    training_curves: Values[PositiveInt]
    """Numbers of curves from which the preconditioner is estimated, independently at each seed."""


class SgdStepsSettings(Settings):
    """Train a filter by SGD with and without preconditioning, on curves of more and more points (§4)."""

    n_points: NumberOfPoints
    """Points n of a curve."""

    training_curves: PositiveInt
    """Curves of the training set, which are drawn once and used again and again."""

    batch_size: PositiveInt
    """Curves drawn from the training set in each step, with replacement."""

    error_level: Annotated[float, Field(gt=0, lt=1)]
    """Relative error of the slope changes at which a run is done."""

    max_steps: PositiveInt
    """Steps after which a run that is not done is given up; it counts as censored."""
