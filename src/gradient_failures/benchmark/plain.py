"""The experiments as one would first write them: modules, autograd, torch.optim, data made at every step.

Each function gives a function that takes one training step of the same size as the experiment's own.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from gradient_failures.benchmark import Step
from gradient_failures.config.allocation import AllocationPoint, AllocationTraining
from gradient_failures.config.curves import CurvesPoint, CurvesTraining
from gradient_failures.config.optimisers import AdagradConfig, AdamConfig, SGDConfig
from gradient_failures.config.parity import ParityPoint, ParityTraining
from gradient_failures.config.steps import StepsPoint, StepsTraining
from gradient_failures.config.tuples import TuplesPoint, TuplesTraining
from gradient_failures.experiments.curves import HIDDEN_WIDTHS, draw_curves, kinks_of
from gradient_failures.experiments.steps import DIM, classes_of, levels_at
from gradient_failures.line_convolutions import KERNEL
from gradient_failures.line_images import SIZE, draw_lines, rasterise, slope_labels
from gradient_failures.seeds import stream
from gradient_failures.tuple_networks import CHANNELS


def parity(point: ParityPoint, training: ParityTraining) -> Step:
    """A ReLU network on random parities."""
    network = relu_network([point.dim, *point.hidden_widths(), 1])
    target = torch.randint(0, 2, (point.dim,)).float()

    def loss() -> Tensor:
        bits = torch.randint(0, 2, (training.batch_size, point.dim)).float()
        labels = 1 - 2 * ((bits @ target) % 2)
        return hinge(network(1 - 2 * bits).squeeze(1), labels)

    return stepping(loss, torch.optim.SGD(network.parameters(), lr=training.learning_rate))


def allocation(point: AllocationPoint, training: AllocationTraining) -> Step:
    """A linear softmax model on one-hot inputs."""
    model = nn.Linear(training.n_inputs, point.n_stocks)
    moved = torch.randint(0, point.n_stocks, (training.n_inputs,))

    def loss() -> Tensor:
        indices = torch.randint(0, training.n_inputs, (training.batch_size,))
        shares: Tensor = model(nn.functional.one_hot(indices, training.n_inputs).float()).softmax(1)
        labels = moved[indices][:, None]
        if point.approach == "decomposition":
            return -shares.gather(1, labels).mean()
        returns = (2 * torch.randint(0, 2, shares.shape).float() - 1).scatter(1, labels, 1.0)
        return -(returns * shares).sum(1).mean()

    return stepping(loss, optimiser(model, training.optimiser))


def tuples(point: TuplesPoint, training: TuplesTraining) -> Step:
    """Convolutions and dense layers on images, from our own generator of images."""
    score = nn.Sequential(
        nn.Conv2d(1, CHANNELS, KERNEL, padding="same"),
        nn.MaxPool2d(2),
        nn.Conv2d(CHANNELS, CHANNELS, KERNEL, padding="same"),
        nn.MaxPool2d(2),
        nn.Flatten(),
        relu_network([CHANNELS * (SIZE // 4) ** 2, 50, 100, 1]),
    )
    combine = relu_network([point.tuple_length, 100, 1])
    rng = stream("benchmark", "tuples")

    def loss() -> Tensor:
        lines = draw_lines(training.batch_size * point.tuple_length, point.rasterisation, rng)
        labels = slope_labels(lines).view(-1, point.tuple_length)
        scores = score(rasterise(lines, point.rasterisation).unsqueeze(1)).view_as(labels)
        total = hinge(combine(scores.sigmoid()).squeeze(1), labels.prod(1))
        return total + hinge(scores, labels) if point.approach == "decomposition" else total

    return stepping(loss, optimiser(nn.ModuleList([score, combine]), training.optimiser))


def curves(point: CurvesPoint, training: CurvesTraining) -> Step:
    """A linear map, a convolution, preconditioned or not, or an autoencoder, on a fixed set of curves."""
    method, n = point.method.split("_")[0], point.n_points
    data = draw_curves(point, training.training_curves, "train", seed=0)
    kinks = kinks_of(data)
    whitening = torch.eye(3)
    model: nn.Module = nn.Linear(3, 1, bias=False)
    if method == "linear":
        model = nn.Linear(n, n, bias=False)
    elif method == "autoencoder":
        model = relu_network([n, *HIDDEN_WIDTHS, n])

    def loss() -> Tensor:
        batch = torch.randint(0, len(data), (training.batch_size,))
        if method == "autoencoder":
            return mse_loss(model(data[batch]), data[batch])
        if method == "linear":
            errors: Tensor = model(data[batch]) - kinks[batch]
            return errors.square().sum(1).mean()
        windows = nn.functional.pad(data[batch], (2, 0)).unfold(-1, 3, 1)
        if method == "preconditioned":
            windows = windows @ whitening
        return mse_loss(model(windows).squeeze(2), kinks[batch])

    return stepping(loss, optimiser(model, training.optimiser))


def steps(point: StepsPoint, training: StepsTraining) -> Step:
    """One of four methods to learn through a step function."""
    target = torch.randn(DIM + 1)
    levels = levels_at(target[-1:])[0]
    gaps = levels.diff()
    n_scores = len(levels) if point.method == "multiclass" else 1
    network = relu_network([DIM, *training.hidden_widths, n_scores])

    def loss() -> Tensor:
        inputs = torch.randn(training.batch_size, DIM) / DIM
        classes = classes_of(inputs @ target[:-1] + target[-1], levels)
        scores = network(inputs)
        if point.method == "multiclass":
            return cross_entropy(scores, classes)
        if point.method == "non_flat_approximation":
            rises = torch.sigmoid((scores - levels[1:] + gaps / 20) * 50 / gaps)
            return mse_loss(levels[0] + rises @ gaps, levels[classes])
        scores = scores.squeeze(1)
        if point.method == "forward_only":
            outputs = levels[classes_of(scores.detach(), levels)]
            return mse_loss(scores + (outputs - scores).detach(), levels[classes]) / 2
        return mse_loss(scores, levels[classes])

    return stepping(loss, optimiser(network, training.optimiser))


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean hinge loss."""
    return (1 - labels * outputs).clamp_min(0).mean()


def relu_network(widths: list[int]) -> nn.Sequential:
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


def stepping(loss: Callable[[], Tensor], optimiser: torch.optim.Optimizer) -> Step:
    """The step that every tutorial has."""

    def step() -> None:
        optimiser.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step
