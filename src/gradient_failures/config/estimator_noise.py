"""Configuration of the comparison of the two gradient estimates of the allocation problem (supplement A)."""

from pydantic import PositiveInt

from gradient_failures.config.allocation import NumberOfStocks
from gradient_failures.config.base import Axis, Diagnostic


class EstimatorNoiseConfig(Diagnostic):
    """Mean and second moment of both gradient estimates at initialisation."""

    n_stocks: Axis[NumberOfStocks]
    """Numbers of stocks k."""

    n_inputs: PositiveInt
    """Number d of inputs, the unit vectors of R^d; each is one sample of the estimates."""

    initialisations: PositiveInt
    """Initial weights, each with labels and returns of its own."""
