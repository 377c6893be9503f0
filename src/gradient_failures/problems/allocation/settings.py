"""Settings of what is computed on the allocation among stocks (supplement A, figure 7 ICML = 4 extended)."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Settings, TrainingSettings, Values
from gradient_failures.config.optimisers import AdamConfig

NumberOfStocks = Annotated[int, Field(ge=2, title="number of stocks k")]
Approach = Literal["end_to_end", "decomposition"]


class AllocationSettings(TrainingSettings):
    """Sharing out money among k stocks, one of which the input moves (supplement A.1)."""

    approach: Annotated[Approach, Field(title="source of the gradient")]
    """Gradient estimate: "end_to_end" differentiates the gain on sampled returns z, "decomposition" the share
    given to the one stock y(x) that the input moves."""

    n_stocks: NumberOfStocks
    """Number of stocks k."""

    n_inputs: PositiveInt
    """Number d of inputs, the unit vectors of R^d."""

    batch_size: PositiveInt
    """Fresh samples in each step."""

    optimiser: AdamConfig
    """Adam, as in the released settings."""


class EstimatorNoiseSettings(Settings):
    """Mean and second moment of both gradient estimates at initial weights, drawn anew for each seed."""

    n_stocks: Values[NumberOfStocks]
    """Numbers of stocks k."""

    n_inputs: PositiveInt
    """Number d of inputs, the unit vectors of R^d; each is one sample of the estimates."""
