"""Configuration of the realisability check (lemma 3, supplement C)."""

from typing import Annotated

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Axis, Diagnostic


class RealisabilityConfig(Diagnostic):
    """Evaluate the explicit network of lemma 3 against the parities it should represent."""

    exhaustive_dim: Axis[Annotated[int, Field(ge=1, le=14)]]
    """Input dimensions d at which all 2^d targets meet all 2^d inputs."""

    sampled_dim: Axis[Annotated[int, Field(ge=1, le=1000)]]
    """Input dimensions d at which targets and inputs are sampled."""

    sampled_targets: PositiveInt
    """Targets drawn uniformly at each sampled dimension."""

    sampled_inputs: PositiveInt
    """Inputs drawn uniformly for each of those targets."""
