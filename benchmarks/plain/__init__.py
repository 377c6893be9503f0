"""The problems as one would first write them: modules, autograd, ``torch.optim``, data made at every step.

``PROBLEM.py`` has ``plain(settings)``, whose steps are of the same size as those that the problem trains by.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig


@dataclass(frozen=True)
class Plain:
    """The step that every tutorial has."""

    loss: Callable[[], Tensor]
    optimiser: torch.optim.Optimizer

    def __call__(self) -> None:
        """Take it."""
        self.optimiser.zero_grad()
        self.loss().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean hinge loss."""
    return (1 - labels * outputs).clamp_min(0).mean()


def relu_network(widths: Sequence[int]) -> nn.Sequential:
    """Dense layers with a ReLU between each two."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def optimiser(model: nn.Module, config: AdamConfig | SGDConfig | AdagradConfig) -> torch.optim.Optimizer:
    """The optimiser that ``config`` describes, but for the form of its epsilon."""
    if isinstance(config, SGDConfig):
        return torch.optim.SGD(model.parameters(), lr=config.learning_rate)
    if isinstance(config, AdagradConfig):
        return torch.optim.Adagrad(model.parameters(), lr=config.learning_rate, eps=config.epsilon)
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=betas, eps=config.epsilon)
