"""The optimisers of torch, in the form of the released settings.

They call the functions behind the classes of ``torch.optim``, with the same bits: at its first step a class
imports the compiler of torch, which takes as long as some runs of this paper.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig


class Optimiser(Protocol):
    """What takes a training step."""

    @property
    def state(self) -> Sequence[Sequence[Tensor]]:
        """All that decides the next steps, but for the parameters."""

    def step(self) -> None:
        """Update the parameters from their ``grad``."""


def optimiser_of(parameters: Sequence[Tensor], config: AdamConfig | SGDConfig | AdagradConfig) -> Optimiser:
    """The optimiser that ``config`` describes."""
    if isinstance(config, AdamConfig):
        return Adam(parameters, config)
    if isinstance(config, SGDConfig):
        return SGD(parameters, config)
    return Adagrad(parameters, config)


class SGD:
    """Plain stochastic gradient descent."""

    def __init__(self, parameters: Sequence[Tensor], config: SGDConfig) -> None:
        self.parameters, self.config = list(parameters), config
        self.state: Sequence[Sequence[Tensor]] = []

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters from their ``grad``."""
        sgd(
            self.parameters,
            _gradients(self.parameters),
            [None] * len(self.parameters),
            fused=True,
            lr=self.config.learning_rate,
            momentum=0,
            dampening=0,
            nesterov=False,
            weight_decay=0,
            maximize=False,
        )


class Adagrad:
    """``torch.optim.Adagrad``; its fused form is for the CPU alone."""

    def __init__(self, parameters: Sequence[Tensor], config: AdagradConfig) -> None:
        self.parameters, self.config = list(parameters), config
        self.sums = [torch.zeros_like(parameter) for parameter in parameters]
        self.counts = [torch.zeros((), device="cpu") for _ in parameters]
        self.state = [self.sums]
        self.fused = True if self.parameters[0].device.type == "cpu" else None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters from their ``grad``."""
        adagrad(
            self.parameters,
            _gradients(self.parameters),
            self.sums,
            self.counts,
            fused=self.fused,
            lr=self.config.learning_rate,
            lr_decay=0,
            weight_decay=0,
            eps=self.config.epsilon,
            maximize=False,
        )


class Adam:
    """``torch.optim.Adam`` with epsilon added where ``config.epsilon_form`` says.

    TensorFlow's update lr·√(1-β₂ᵗ)/(1-β₁ᵗ)·m/(√v + ε) is torch's with ε/√(1-β₂ᵗ) for ε at step t.
    """

    def __init__(self, parameters: Sequence[Tensor], config: AdamConfig) -> None:
        self.parameters, self.config = list(parameters), config
        self.means = [torch.zeros_like(parameter) for parameter in parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in parameters]
        self.counts = [torch.zeros(()) for _ in parameters]
        self.steps_taken = torch.tensor(0, device="cpu")
        self.state = [self.means, self.squares, self.counts, [self.steps_taken]]

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters from their ``grad``."""
        self.steps_taken += 1
        epsilon = self.config.epsilon
        if self.config.epsilon_form == "tensorflow":
            epsilon /= (1 - self.config.beta2 ** int(self.steps_taken)) ** 0.5
        adam(
            self.parameters,
            _gradients(self.parameters),
            self.means,
            self.squares,
            [],
            self.counts,
            fused=True,
            lr=self.config.learning_rate,
            beta1=self.config.beta1,
            beta2=self.config.beta2,
            weight_decay=0,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]
