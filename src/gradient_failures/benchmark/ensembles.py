"""``python -m gradient_failures.benchmark.ensembles FOLDER``: how fast seeds train side by side on a device.

For the last grid point of every experiment, steps per second of all seeds together, one, some and many at a
time, beside one at a time on the processor; and how far losses on both are apart after the first steps.
Writes ``FOLDER/ensembles.json`` and ``FOLDER/ensembles.md``.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from gradient_failures import files, markdown, provenance
from gradient_failures.benchmark.measure import LEARNERS, SECONDS, cases
from gradient_failures.config.base import Point, Training
from gradient_failures.config.files import read_yaml
from gradient_failures.config.paper import validated
from gradient_failures.device import training_on
from gradient_failures.jobs import keep_freed_memory
from gradient_failures.training import Learner

SEEDS = (1, 4, 16, 64)
"""Seeds that are tried side by side."""

FIRST_STEPS = 20
"""Steps after which losses on the device and on the processor are compared, and before time is taken."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gradient_failures.benchmark.ensembles")
    parser.add_argument("folder", type=Path, help="where the results go")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:N, mps, or auto: the best there is")
    parser.add_argument("--config", default="config/config.yaml", help="sizes to measure at")
    options = parser.parse_args(arguments)
    last = {case[0]: case for case in cases(validated(read_yaml(options.config)))}
    keep_freed_memory()
    torch.set_num_threads(1)
    with training_on(options.device, jobs_per_card=1) as device:
        results = [measure(*case) for case in last.values()]
    report = {
        "device": device,
        "machine": provenance.cpu_name(),
        "torch_version": torch.__version__,
        "results": results,
    }
    files.write_text(options.folder / "ensembles.json", json.dumps(report, indent=2) + "\n")
    files.write_text(options.folder / "ensembles.md", table(report))
    print(table(report), end="")
    return 0


def measure(name: str, point: Point, training: Training) -> dict[str, Any]:
    """Time steps of ensembles on torch's default device, and of one seed on one thread of the processor.

    Returns
    -------
    Steps per second of all seeds together, by their number; ``loss_difference``, the largest relative
    difference between the losses of two seeds on the device and on the processor after ``FIRST_STEPS``.
    """
    learner_of = partial(LEARNERS[name], point, training)
    with torch.device("cpu"):
        on_processor = steps_per_second(learner_of([0]))
        expected = first_losses(learner_of([0, 1]))
    losses = first_losses(learner_of([0, 1]))
    return {
        "experiment": name,
        "point": point.slug(),
        "steps_per_second_on_the_processor": on_processor,
        "steps_per_second": {str(n): n * steps_per_second(learner_of(range(n))) for n in SEEDS},
        "loss_difference": ((losses - expected) / expected).abs().max().item(),
    }


def steps_per_second(learner: Learner) -> float:
    """Steps that an ensemble takes in a second, after its first ones."""
    learner.advance(FIRST_STEPS)
    count = max(1, round(SECONDS / _seconds(learner, FIRST_STEPS) * FIRST_STEPS))
    return count / _seconds(learner, count)


def _seconds(learner: Learner, steps: int) -> float:
    _finish()
    started = time.perf_counter()
    learner.advance(steps)
    _finish()
    return time.perf_counter() - started


def _finish() -> None:
    """Wait until a card has done all that it was given."""
    device = torch.get_default_device().type
    if device in ("cuda", "mps"):
        getattr(torch, device).synchronize()


def first_losses(learner: Learner) -> torch.Tensor:
    """Losses of an ensemble after its first steps (seeds,), on the processor."""
    learner.advance(FIRST_STEPS)
    return learner.evaluate()["loss"].cpu().double()


def table(report: Mapping[str, Any]) -> str:
    """The results as a Markdown table."""
    explanation = (
        f"Steps per second of all seeds together: one at a time on one thread of {report['machine']}, and "
        f"{', '.join(map(str, SEEDS))} side by side on {report['device']}, torch {report['torch_version']}; "
        f"and the relative difference of their losses after {FIRST_STEPS} steps."
    )
    headings = ["experiment", "point", "processor", *map(str, SEEDS), "difference"]
    return f"{explanation}\n\n{markdown.table(headings, map(cells, report['results']))}\n"


def cells(result: Mapping[str, Any]) -> list[str]:
    """One row of the table."""
    rates = [result["steps_per_second_on_the_processor"], *result["steps_per_second"].values()]
    return [
        result["experiment"],
        f"`{result['point']}`",
        *(f"{rate:,.0f}" for rate in rates),
        f"{result['loss_difference']:.0e}",
    ]


if __name__ == "__main__":
    sys.exit(main())
