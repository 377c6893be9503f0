"""Settings of what is computed on linear-periodic targets (theorem 2)."""

from typing import Annotated

from pydantic import Field

from gradient_failures.config.base import Number, PositiveNumber, Settings, Values

Dimension = Annotated[int, Field(ge=2, le=1000)]


class GradientVarianceSettings(Settings):
    """Learn cos⟨v, x⟩ by cos⟨w, x⟩ for Gaussian x: the loss surface, and what its gradient says of v."""

    target: Annotated[list[Number], Field(min_length=2, max_length=2)]
    """The vector v of the surface, in two dimensions (slides: 2, 2)."""

    surface_extent: PositiveNumber
    """Largest absolute value of both weights on the surface."""

    surface_points: Annotated[int, Field(ge=2)]
    """Weights on each axis of the surface."""

    dim: Values[Dimension]
    """Input dimensions d."""

    radius: Values[PositiveNumber]
    """Norms r of the targets v, whose direction is uniform."""

    joint_size: Values[Annotated[int, Field(ge=2, le=60)]]
    """Sizes n at which d = r = n: dimension and radius growing together."""

    sampled_targets: Annotated[int, Field(ge=2)]
    """Targets drawn at each d and r, to check the quadrature."""
