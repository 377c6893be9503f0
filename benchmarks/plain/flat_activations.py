"""One of four methods to learn through a step function."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from benchmarks.plain import Plain, optimiser, relu_network
from gradient_failures.problems.flat_activations.experiment import DIM, classes_of, levels_at
from gradient_failures.problems.flat_activations.settings import FlatActivationsSettings


def plain(settings: FlatActivationsSettings) -> Plain:
    """The loop that one would first write."""
    target = torch.randn(DIM + 1)
    levels = levels_at(target[-1:])[0]
    gaps = levels.diff()
    n_scores = len(levels) if settings.approach == "multiclass" else 1
    network = relu_network([DIM, *settings.hidden_widths, n_scores])

    def loss() -> Tensor:
        inputs = torch.randn(settings.batch_size, DIM) / DIM
        classes = classes_of(inputs @ target[:-1] + target[-1], levels)
        scores = network(inputs)
        if settings.approach == "multiclass":
            return cross_entropy(scores, classes)
        if settings.approach == "non_flat_approximation":
            rises = torch.sigmoid((scores - levels[1:] + gaps / 20) * 50 / gaps)
            return mse_loss(levels[0] + rises @ gaps, levels[classes])
        scores = scores.squeeze(1)
        if settings.approach == "forward_only":
            outputs = levels[classes_of(scores.detach(), levels)]
            return mse_loss(scores + (outputs - scores).detach(), levels[classes]) / 2
        return mse_loss(scores, levels[classes])

    return Plain(loss, optimiser(network, settings.optimiser))
