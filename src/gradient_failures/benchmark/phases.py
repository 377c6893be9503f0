"""Where the time of a training step goes."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from gradient_failures.experiments import allocation, curves, parity, steps, tuples
from gradient_failures.networks import DenseNetwork, HingeNetwork
from gradient_failures.optimisers import SGD, Adagrad, Adam
from gradient_failures.tuple_networks import TupleNetwork

Place = tuple[Any, str]
"""A module or class, and the name of a function in it."""

PHASES: Mapping[str, Mapping[str, Sequence[Place]]] = {
    "parity": {
        "data": [(parity, "sample")],
        "forward": [(DenseNetwork, "forward")],
        "backward and update": [(HingeNetwork, "sgd_step")],
    },
    "allocation": {
        "data": [(allocation.AllocationLearner, "_batches")],
        "forward": [(allocation.AllocationLearner, "_shares")],
        "backward": [(allocation, "logit_gradient")],
        "optimiser": [(Adam, "step")],
    },
    "tuples": {
        "data": [(tuples.TuplesLearner, "_batch"), (tuples, "rasterise"), (tuples, "slope_labels")],
        "forward": [(TupleNetwork, "outputs")],
        "backward": [(torch.Tensor, "backward")],
        "optimiser": [(Adam, "step")],
    },
    "steps": {
        "data": [(steps.StepsLearner, "_batch")],
        "forward": [(DenseNetwork, "forward")],
        "loss": [(steps.SquaredLoss, "error"), (steps.Multiclass, "error")],
        "backward": [(DenseNetwork, "backward")],
        "optimiser": [(Adam, "step")],
    },
    "curves": {
        "forward and backward": [(curves.Encoder, "set_gradients"), (curves.Autoencoder, "set_gradients")],
        "optimiser": [(Adam, "step"), (Adagrad, "step"), (SGD, "step")],
    },
}
"""The functions of each phase of a step, by experiment; what is left is called the rest."""


def shares(experiment: str, run: Callable[[], Any]) -> dict[str, float]:
    """Share of each phase in the time that ``run`` takes; of nested functions each counts its own time."""
    seconds: dict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        for phase, places in PHASES[experiment].items():
            for owner, name in places:
                stack.enter_context(_timed(owner, name, phase, seconds))
        started = time.perf_counter()
        run()
        total = time.perf_counter() - started
    measured = {phase: seconds[phase] / total for phase in PHASES[experiment]}
    return measured | {"rest": 1 - sum(measured.values())}


@contextmanager
def _timed(owner: Any, name: str, phase: str, seconds: dict[str, float]) -> Iterator[None]:
    """Add the time of each call of ``owner.name`` to ``seconds[phase]``, less that of timed calls within."""
    function = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        before, started = sum(seconds.values()), time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            within = sum(seconds.values()) - before
            seconds[phase] += time.perf_counter() - started - within

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, function)
