"""Settings of the graphical summary: one loss surface for each reason of failure (figure 6 ICML)."""

from typing import Annotated

from pydantic import Field, PositiveInt

from gradient_failures.config.base import PositiveNumber, Settings


class LossSurfacesSettings(Settings):
    """Loss along a line through the weights, in four problems."""

    positions: Annotated[int, Field(ge=2)]
    """Points of each line."""

    targets: PositiveInt
    """Linear-periodic targets, whose loss surfaces are compared."""

    target_dim: Annotated[int, Field(ge=2)]
    """Dimension d of these targets."""

    target_norm: PositiveNumber
    """Norm of these targets."""

    tuple_length: Annotated[int, Field(ge=1, le=100)]
    """Images in a tuple, k, of the tuples whose single losses are compared with their mean."""

    tuples: Annotated[int, Field(ge=2)]
    """Tuples that the mean is taken over."""

    tuples_shown: PositiveInt
    """Tuples whose single losses are kept."""

    n_points: Annotated[int, Field(ge=10)]
    """Points n of the curves whose filter is learnt."""

    flat_samples: PositiveInt
    """Samples whose losses are kept for the flat activation."""
