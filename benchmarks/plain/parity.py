"""A ReLU network on random parities."""

import torch
from torch import Tensor

from benchmarks.plain import Plain, hinge, relu_network
from gradient_failures.problems.parity.settings import ParitySettings


def plain(settings: ParitySettings) -> Plain:
    """The loop that one would first write."""
    network = relu_network([settings.dim, *settings.hidden_widths(), 1])
    target = torch.randint(0, 2, (settings.dim,)).float()

    def loss() -> Tensor:
        bits = torch.randint(0, 2, (settings.batch_size, settings.dim)).float()
        labels = 1 - 2 * ((bits @ target) % 2)
        return hinge(network(1 - 2 * bits).squeeze(1), labels)

    return Plain(loss, torch.optim.SGD(network.parameters(), lr=settings.learning_rate))
