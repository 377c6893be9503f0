"""Configuration of the check of the lemmas behind theorem 3 (supplement B.2)."""

from typing import Annotated

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Axis, Diagnostic
from gradient_failures.config.tuples import TupleLength

Cosine = Annotated[float, Field(gt=0, le=1)]


class LemmasConfig(Diagnostic):
    """Both lemmas for products of k signs of Gaussian vectors."""

    dim: Axis[Annotated[int, Field(ge=2)]]
    """Dimensions d of the vectors u and of the inputs."""

    tuple_length: Axis[TupleLength]
    """Lengths k of the tuples."""

    functions: Annotated[int, Field(ge=2)]
    """Functions h_u of one class, for vectors u drawn uniformly from the unit sphere."""

    seeds: PositiveInt
    """Classes of functions drawn for each (d, k)."""

    cosine: Axis[Cosine]
    """Inner products of the two unit vectors of lemma 2."""

    samples: PositiveInt
    """Gaussian inputs for the second method of lemma 2."""
