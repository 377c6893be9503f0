"""A linear map, a convolution, preconditioned or not, or an autoencoder, on a fixed set of curves."""

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from benchmarks.plain import Plain, optimiser, relu_network
from gradient_failures.problems.curves.experiment import HIDDEN_WIDTHS, draw_curves, kinks_of, windows
from gradient_failures.problems.curves.settings import CurvesSettings


def plain(settings: CurvesSettings) -> Plain:
    """The loop that one would first write."""
    approach, n = settings.approach, settings.n_points
    data = draw_curves(settings.curve_distribution, n, settings.training_curves, "train", seed=0)
    kinks = kinks_of(data)
    whitening = torch.eye(3)
    model: nn.Module = nn.Linear(3, 1, bias=False)
    if approach == "linear":
        model = nn.Linear(n, n, bias=False)
    elif approach == "autoencoder":
        model = relu_network([n, *HIDDEN_WIDTHS, n])

    def loss() -> Tensor:
        batch = torch.randint(0, len(data), (settings.batch_size,))
        if approach == "autoencoder":
            return mse_loss(model(data[batch]), data[batch])
        if approach == "linear":
            errors: Tensor = model(data[batch]) - kinks[batch]
            return errors.square().sum(1).mean()
        inputs = windows(data[batch])
        if approach == "preconditioned":
            inputs = inputs @ whitening
        return mse_loss(model(inputs).squeeze(2), kinks[batch])

    return Plain(loss, optimiser(model, settings.optimiser))
