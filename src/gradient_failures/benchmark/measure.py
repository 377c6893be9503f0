"""Time of a training step of every kind that the paper has."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from gradient_failures import provenance
from gradient_failures.benchmark import Step, kernels, phases, plain
from gradient_failures.config.base import Point, Training
from gradient_failures.config.paper import PaperConfig
from gradient_failures.experiments import allocation, curves, parity, steps, tuples
from gradient_failures.jobs import keep_freed_memory
from gradient_failures.networks import DenseNetwork
from gradient_failures.training import evaluation_steps

LEARNERS: dict[str, Any] = {
    "parity": parity.ParityLearner,
    "tuples": tuples.TuplesLearner,
    "allocation": allocation.AllocationLearner,
    "curves": curves.CurvesLearner,
    "steps": steps.StepsLearner,
}

SECONDS = 0.5
"""Length of one measurement, about."""


def cases(paper: PaperConfig) -> list[tuple[str, Point, Training]]:
    """Every grid point of the sweep that an experiment is named after, with its settings."""
    return [
        (name, point, experiment.training_at(point.slug()))
        for name, experiment in paper.experiments().items()
        for point in experiment.sweeps[name].points()
    ]


def measure(name: str, point: Point, training: Training, rounds: int) -> dict[str, Any]:
    """Time steps of our training, of the plain loop and of the kernels in turn, on one thread.

    Returns
    -------
    Seconds of a step of each, medians of ``rounds``; the ratios within a round, medians too; the share of
    each phase of our step; seconds of a run of one seed, and the share of evaluations in it; peak memory of
    our training in MB; the machine.
    """
    keep_freed_memory()
    torch.set_num_threads(1)
    learner = LEARNERS[name](point, training, seeds=[0])
    learner.advance(20)
    learner.evaluate()
    evaluation = seconds_of(learner.evaluate, 5)
    memory = peak_memory()
    count = max(1, round(SECONDS / seconds_of(lambda: learner.advance(20), 1) * 20))
    plain_step, kernel_step = getattr(plain, name)(point, training), kernels_of(learner, training)

    plain_step()  # the first one imports the compiler of torch
    seconds: dict[str, list[float]] = {"ours": [], "plain": [], "kernels": []}
    for _ in range(rounds):
        seconds["ours"].append(seconds_of(lambda: learner.advance(count), 1) / count)
        seconds["plain"].append(seconds_of(plain_step, max(1, count // 4)))
        if kernel_step:
            seconds["kernels"].append(seconds_of(kernel_step, count))
    step = statistics.median(seconds["ours"])
    evaluations = evaluation * len(evaluation_steps(training.steps, training.eval_every))
    run = step * training.steps + evaluations
    return {
        "experiment": name,
        "point": point.slug(),
        "seconds_of_a_step": {kind: statistics.median(times) for kind, times in seconds.items() if times},
        "plain_over_ours": ratio(seconds["plain"], seconds["ours"]),
        "ours_over_kernels": ratio(seconds["ours"], seconds["kernels"]) if kernel_step else None,
        "shares_of_a_step": phases.shares(name, lambda: learner.advance(count)),
        "seconds_of_a_run": run,
        "share_of_evaluations": evaluations / run,
        "peak_memory_mb": memory,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
        "machine": provenance.cpu_name(),
    }


def kernels_of(learner: Any, training: Any) -> Step | None:
    """The products or convolutions of one step of ``learner``; None if it has none worth the name."""
    if isinstance(learner, tuples.TuplesLearner):
        return kernels.convolutions(training.batch_size * learner.point.tuple_length)
    if isinstance(learner, curves.CurvesLearner):
        model, rows = learner.model, training.batch_size
        if isinstance(model, curves.Encoder):
            rows, widths = rows * model.samples.shape[1], list(model.weights.shape[1:])
        else:
            widths = widths_of(model.parameters)
        return kernels.dense(widths, rows)
    network = getattr(learner, "network", None)
    if isinstance(network, DenseNetwork):
        return kernels.dense(widths_of(network.layers), training.batch_size)
    return None


def widths_of(layers: Sequence[torch.Tensor]) -> list[int]:
    """Units of each layer, the row of biases among the inputs."""
    return [layers[0].shape[1], *(layer.shape[2] for layer in layers)]


def peak_memory() -> float:
    """The most memory that this process has had so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def seconds_of(call: Callable[[], Any], count: int) -> float:
    """Mean seconds of ``count`` calls."""
    started = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - started) / count


def ratio(numerators: Iterable[float], denominators: Iterable[float]) -> float:
    """Median of the ratios, round by round."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))
