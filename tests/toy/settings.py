"""Settings of the toy: a coin."""

from typing import Annotated

from pydantic import Field

from gradient_failures.config.base import TrainingSettings


class CoinSettings(TrainingSettings):
    """Learning how often a coin shows heads."""

    chance: Annotated[float, Field(ge=0, le=1, title="chance of heads")]
    """Chance of heads."""

    learning_rate: Annotated[float, Field(gt=0)]
    """Step size of SGD on the squared error."""
