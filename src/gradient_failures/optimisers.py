"""The optimisers of torch, in the form of the released settings."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig


class Optimiser(Protocol):
    """What takes a training step."""

    def step(self) -> Any:
        """Update the parameters from their ``grad``."""

    def state_dict(self) -> dict[str, Any]:
        """All that decides the next steps, but for the parameters."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave."""


def optimiser_of(parameters: Sequence[Tensor], config: AdamConfig | SGDConfig | AdagradConfig) -> Optimiser:
    """The optimiser that ``config`` describes."""
    if isinstance(config, AdamConfig):
        return Adam(parameters, config)
    if isinstance(config, SGDConfig):
        return torch.optim.SGD(parameters, lr=config.learning_rate, fused=True)
    fused = parameters[0].device.type == "cpu"
    with torch.device("cpu"):  # for its count of steps
        return torch.optim.Adagrad(parameters, lr=config.learning_rate, eps=config.epsilon, fused=fused)


class Adam:
    """``torch.optim.Adam`` with epsilon added where ``config.epsilon_form`` says.

    TensorFlow's update lr·√(1-β₂ᵗ)/(1-β₁ᵗ)·m/(√v + ε) is torch's with ε/√(1-β₂ᵗ) for ε at step t.
    """

    def __init__(self, parameters: Sequence[Tensor], config: AdamConfig) -> None:
        self.config = config
        self.steps_taken = 0
        self._adam = torch.optim.Adam(
            parameters,
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            fused=True,
        )

    def step(self) -> None:
        """Update the parameters from their ``grad``."""
        self.steps_taken += 1
        if self.config.epsilon_form == "tensorflow":
            correction = (1 - self.config.beta2**self.steps_taken) ** 0.5
            self._adam.param_groups[0]["eps"] = self.config.epsilon / correction
        self._adam.step()

    def state_dict(self) -> dict[str, Any]:
        """The number of steps taken, and the state of ``torch.optim.Adam``."""
        return {"steps_taken": self.steps_taken, "adam": self._adam.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave."""
        self.steps_taken = state_dict["steps_taken"]
        self._adam.load_state_dict(state_dict["adam"])
