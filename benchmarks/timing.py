"""Time of the training steps of one case, and where it goes."""

import resource
import sys
from collections import defaultdict
from collections.abc import Callable
from cProfile import Profile
from functools import partial
from operator import attrgetter, itemgetter
from statistics import median
from types import CodeType
from typing import Any

import torch
from torch.utils.benchmark import Timer

from benchmarks.cases import Case
from benchmarks.kernels import kernels_of
from gradient_failures.provenance import origin
from gradient_failures.training.loop import Learner, evaluation_steps


def measure(case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """Time steps of our training, of the plain loop and of its kernels in turn, on one thread.

    Returns
    -------
    Seconds of a step of each, medians of ``rounds``; the ratios within a round, medians too, None where the
    problem has no plain loop; where our step's time goes; seconds of a run of one seed, and the share of
    evaluations in it; peak memory of our training in MB; the machine.
    """
    torch.set_num_threads(1)
    learner, settings = case.learner([0]), case.settings
    steps = steps_at_once(learner, settings.eval_every, seconds)
    evaluation = seconds_of(learner.evaluate, seconds)
    memory = peak_memory()
    calls: dict[str, Callable[[], Any]] = {"ours": partial(learner.advance, steps)}
    if plain := case.plain():
        calls |= {"plain": plain, "kernels": kernels_of(plain)}
    count = {"ours": steps}
    measured = [
        {kind: seconds_of(call, seconds) / count.get(kind, 1) for kind, call in calls.items()}
        for _ in range(rounds)
    ]
    step = {kind: median(times[kind] for times in measured) for kind in calls}
    evaluations = evaluation * len(evaluation_steps(settings.steps, settings.eval_every))
    run = step["ours"] * settings.steps + evaluations
    return {
        "problem": case.problem,
        "point": case.point,
        "seconds_of_a_step": step,
        "plain_over_ours": median(times["plain"] / times["ours"] for times in measured) if plain else None,
        "ours_over_kernels": median(times["ours"] / times["kernels"] for times in measured)
        if plain
        else None,
        "shares_of_a_step": shares(learner, steps, calls=max(1, round(seconds / step["ours"] / steps))),
        "seconds_of_a_run": run,
        "share_of_evaluations": evaluations / run,
        "peak_memory_mb": memory,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
        "machine": origin.cpu_name(),
    }


def seconds_of(call: Callable[[], Any], at_least: float) -> float:
    """Median seconds of a call and its work on a GPU, of so many that they take ``at_least`` so long."""
    return Timer("call()", globals={"call": call}).blocked_autorange(min_run_time=at_least).median


def steps_at_once(learner: Learner, most: int, seconds: float) -> int:
    """Steps that are taken in one call: as many as in a run, or as fit into a fifth of ``seconds``."""
    alone = seconds_of(partial(learner.advance, 1), seconds / 5)
    return min(most, max(1, round(seconds / 5 / alone)))


def shares(learner: Learner, steps: int, calls: int) -> dict[str, float]:
    """Where the time of training goes: the share of each public function that it calls, and the rest.

    Private functions are looked into, and have the time that they take themselves.
    """
    profile = Profile(builtins=False)
    for _ in range(calls):
        profile.runcall(learner.advance, steps)
    entries: dict[Any, Any] = {entry.code: entry for entry in profile.getstats()}
    found: dict[str, float] = defaultdict(float)

    def look_into(code: CodeType, share: float) -> None:
        found[code.co_name] += share
        for called in entries[code].calls or ():
            part = share * called.totaltime / entries[code].totaltime
            found[code.co_name] -= part
            if called.code.co_name.startswith(("_", "<")):
                look_into(called.code, part)
            else:
                found[public_name(called.code)] += part

    def public_name(code: CodeType) -> str:
        """Where torch decorates a function, as with ``no_grad``, the name of that function."""
        if code.co_name != "decorate_context":
            return code.co_name
        return str(max(entries[code].calls, key=attrgetter("totaltime")).code.co_name)

    look_into(type(learner).advance.__code__, 1.0)
    del found["advance"]
    in_order = sorted(found.items(), key=itemgetter(1), reverse=True)
    large = {name: share for name, share in in_order if share > 0.01 and name.isidentifier()}
    return large | {"rest": 1 - sum(large.values())}


def peak_memory() -> float:
    """The most memory that this process has had so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
