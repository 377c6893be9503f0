"""Configuration of the signal-to-noise ratio of the gradients on tuples of images (§3.2)."""

from typing import Annotated

from pydantic import Field

from gradient_failures.config.base import Axis, Strict
from gradient_failures.config.seeded import SeededDiagnostic
from gradient_failures.config.tuples import TupleLength

FLOAT32_RESOLUTION = 2.0**-48
"""The SNR at which the signal is as large as the rounding of one gradient to float32, 2^-24 of its size."""


class SnrSettings(Strict):
    """Tuples of every length, in independent blocks."""

    tuple_length: Axis[TupleLength]
    """Images in a tuple, k."""

    blocks: Annotated[int, Field(ge=3)]
    """Independent blocks of tuples at each initialisation; intervals come from their scatter."""

    tuples_per_block: Annotated[int, Field(ge=20)]
    """Tuples in a block, enough to have both labels in each place. Memory grows with it, not with blocks."""


class SnrConfig(SeededDiagnostic):
    """Signal and noise of the gradient in the weights of N1's last layer, at the start of training runs."""

    settings: SnrSettings
    """The tuples that the gradient is taken over."""
