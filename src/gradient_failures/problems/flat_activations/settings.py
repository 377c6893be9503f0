"""Settings of what is computed on flat activations (§5 and figure 7 of the extended version)."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Number, Settings, TrainingSettings, Values
from gradient_failures.config.optimisers import AdamConfig

Approach = Literal["non_flat_approximation", "end_to_end", "multiclass", "forward_only"]


class FlatActivationsSettings(TrainingSettings):
    """Learn x ↦ u(<w*, x> + b*) for a known step function u."""

    approach: Annotated[Approach, Field(title="method")]
    """"non_flat_approximation" follows the gradient through a smooth approximation of the step function,
    "end_to_end" fits the label with a network, "multiclass" classifies to which step an input belongs,
    "forward_only" puts 1 for the derivative of the step function, which is 0."""

    fixed_target_bias: Annotated[Number | None, Field(title="bias b* of the target")] = None
    """Bias b* of the target; left out, it is drawn from N(0, 1) with the rest of the target."""

    batch_size: PositiveInt
    """Fresh samples in each training step."""

    hidden_widths: Annotated[list[PositiveInt], Field(title="units of the hidden layers")]
    """Units of each hidden ReLU layer; none for a linear predictor."""

    optimiser: AdamConfig
    """Adam, as in the released settings."""


class ForwardOnlySettings(Settings):
    """Learn through staircases of growing steepness by the forward-only update, on full batches."""

    lipschitz: Values[Annotated[float, Field(ge=1, allow_inf_nan=False)]]
    """Lipschitz constants L of the staircase: 1 is the identity, infinity would be the step function."""

    input_dim: PositiveInt
    """Dimension d of the inputs."""

    samples: PositiveInt
    """Inputs of the batch, which is the whole distribution."""

    iterations: PositiveInt
    """Updates of one run."""
