"""Configuration of the convergence of the forward-only update (§5 of the extended version)."""

from typing import Annotated

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Axis, Diagnostic


class ForwardOnlyConfig(Diagnostic):
    """Learn through staircases of growing steepness by the forward-only update, on full batches."""

    lipschitz: Axis[Annotated[float, Field(ge=1, allow_inf_nan=False)]]
    """Lipschitz constants L of the staircase: 1 is the identity, infinity would be the step function."""

    input_dim: PositiveInt
    """Dimension d of the inputs."""

    samples: PositiveInt
    """Inputs of the batch, which is the whole distribution."""

    iterations: PositiveInt
    """Updates of one run."""

    seeds: PositiveInt
    """Independent inputs and targets."""
