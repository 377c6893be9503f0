"""Configuration of the allocation experiment (supplement A, figure 7 ICML = 4 extended)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Axis, Experiment, FileName, Point, Sweep, Training
from gradient_failures.config.optimisers import AdamConfig

NumberOfStocks = Annotated[int, Field(ge=2)]
Approach = Literal["end_to_end", "decomposition"]


class AllocationPoint(Point):
    """One grid point of the allocation experiment."""

    approach: Approach
    n_stocks: NumberOfStocks


class AllocationSweep(Sweep):
    """A grid over the axes of the allocation experiment."""

    point: ClassVar[type[Point]] = AllocationPoint

    approach: Axis[Approach]
    """Gradient estimate: "end_to_end" differentiates the gain on sampled returns z, "decomposition" the share
    given to the one stock y(x) that the input moves."""

    n_stocks: Axis[NumberOfStocks]
    """Number of stocks k."""


class AllocationTraining(Training):
    """Hyper-parameters of every allocation run (supplement A.1)."""

    n_inputs: PositiveInt
    """Number d of inputs, the unit vectors of R^d."""

    batch_size: PositiveInt
    """Fresh samples in each step."""

    optimiser: AdamConfig
    """Adam, as in the released settings."""


class AllocationConfig(Experiment):
    """The allocation experiment: share out money among k stocks, one of which the input moves."""

    evidence: ClassVar[Mapping[str, set[str]]] = {"allocation": {"approach", "n_stocks"}}

    training: AllocationTraining
    """Hyper-parameters shared by all runs."""

    sweeps: Mapping[FileName, AllocationSweep]
    """Grids by name; each becomes ``metrics/NAME.nc``."""
