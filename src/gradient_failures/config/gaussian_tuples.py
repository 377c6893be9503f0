"""Configuration of the gradient's variance across products of linear labels (theorem 3)."""

from typing import Annotated

from pydantic import Field

from gradient_failures.config.base import Axis, Diagnostic

TupleLength = Annotated[int, Field(ge=1, le=20)]
Dimension = Annotated[int, Field(ge=2, le=5000)]


class GaussianTuplesConfig(Diagnostic):
    """What the gradient says of u when Gaussian k-tuples carry the label Π sign⟨u, x_l⟩."""

    tuple_length: Axis[TupleLength]
    """Inputs in a tuple, k, in rising order."""

    dim: Axis[Dimension]
    """Dimensions d of one input, in rising order; the images of §3.1 have 784."""

    sampled_dim: Axis[Dimension]
    """Dimensions at which the variance is estimated from samples too."""

    pairs: Annotated[int, Field(ge=2)]
    """Independent pairs of targets behind each estimate."""

    tuples_per_pair: Annotated[int, Field(ge=2)]
    """Tuples drawn for each pair; shared by its two targets."""
