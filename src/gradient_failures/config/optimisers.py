"""Configuration of the optimisers."""

from typing import Annotated, Literal

from pydantic import Field

from gradient_failures.config.base import Number, PositiveNumber, Strict

Decay = Annotated[Number, Field(ge=0, lt=1)]


class AdamConfig(Strict):
    """Adam (Kingma and Ba 2014) with the constants of the released settings."""

    kind: Literal["adam"] = "adam"
    """Name of the optimiser."""

    learning_rate: PositiveNumber
    """Step size."""

    beta1: Decay
    """Decay of the mean of the gradient."""

    beta2: Decay
    """Decay of the mean of the squared gradient."""

    epsilon: PositiveNumber
    """Constant added to the root of the mean squared gradient."""

    epsilon_form: Literal["tensorflow", "torch"]
    """"tensorflow" adds epsilon to the root before its bias is corrected, as the released code did;
    "torch" adds it after. They differ in the first steps only."""


class SGDConfig(Strict):
    """Plain stochastic gradient descent."""

    kind: Literal["sgd"]
    """Name of the optimiser."""

    learning_rate: PositiveNumber
    """Step size."""


class AdagradConfig(Strict):
    """Adagrad (Duchi, Hazan and Singer 2011)."""

    kind: Literal["adagrad"]
    """Name of the optimiser."""

    learning_rate: PositiveNumber
    """Step size."""

    epsilon: PositiveNumber
    """Constant added to the root of the sum of squared gradients."""


OptimiserConfig = Annotated[AdamConfig | SGDConfig | AdagradConfig, Field(discriminator="kind")]
"""One of the optimisers, by its ``kind``."""
