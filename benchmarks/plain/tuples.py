"""Convolutions and dense layers on images, from our own generator of images."""

from torch import Tensor, nn

from benchmarks.plain import Plain, hinge, optimiser, relu_network
from gradient_failures.problems.tuples.images import SIZE, draw_lines, rasterise, slope_labels
from gradient_failures.problems.tuples.settings import TuplesSettings
from gradient_failures.problems.tuples.sparse import CHANNELS, KERNEL
from gradient_failures.training.seeds import stream


def plain(settings: TuplesSettings) -> Plain:
    """The loop that one would first write."""
    score = nn.Sequential(
        nn.Conv2d(1, CHANNELS, KERNEL, padding="same"),
        nn.MaxPool2d(2),
        nn.Conv2d(CHANNELS, CHANNELS, KERNEL, padding="same"),
        nn.MaxPool2d(2),
        nn.Flatten(),
        relu_network([CHANNELS * (SIZE // 4) ** 2, 50, 100, 1]),
    )
    combine = relu_network([settings.tuple_length, 100, 1])
    rng = stream("benchmark", "tuples")

    def loss() -> Tensor:
        lines = draw_lines(settings.batch_size * settings.tuple_length, settings.rasterisation, rng)
        labels = slope_labels(lines).view(-1, settings.tuple_length)
        scores = score(rasterise(lines, settings.rasterisation).unsqueeze(1)).view_as(labels)
        total = hinge(combine(scores.sigmoid()).squeeze(1), labels.prod(1))
        return total + hinge(scores, labels) if settings.approach == "decomposition" else total

    return Plain(loss, optimiser(nn.ModuleList([score, combine]), settings.optimiser))
