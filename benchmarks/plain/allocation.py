"""A linear softmax model on one-hot inputs."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from benchmarks.plain import Plain, optimiser
from gradient_failures.problems.allocation.settings import AllocationSettings


def plain(settings: AllocationSettings) -> Plain:
    """The loop that one would first write."""
    model = nn.Linear(settings.n_inputs, settings.n_stocks)
    moved = torch.randint(0, settings.n_stocks, (settings.n_inputs,))

    def loss() -> Tensor:
        indices = torch.randint(0, settings.n_inputs, (settings.batch_size,))
        shares: Tensor = model(one_hot(indices, settings.n_inputs).float()).softmax(1)
        labels = moved[indices][:, None]
        if settings.approach == "decomposition":
            return -shares.gather(1, labels).mean()
        returns = (2 * torch.randint(0, 2, shares.shape).float() - 1).scatter(1, labels, 1.0)
        return -(returns * shares).sum(1).mean()

    return Plain(loss, optimiser(model, settings.optimiser))
