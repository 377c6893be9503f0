"""``python -m benchmarks.ensembles FOLDER``: how fast seeds train side by side on a device.

For the last grid point of every computation that trains, steps per second of all seeds together, one, some
and many at a time, beside one at a time on the CPU; and how far losses on both are apart after the first
steps. Writes ``FOLDER/ensembles.json`` and ``FOLDER/ensembles.md``.
"""

import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.cases import Case, cases, fresh_process, options
from benchmarks.timing import seconds_of, steps_at_once
from gradient_failures.provenance import files, origin
from gradient_failures.report import markdown
from gradient_failures.training.devices import training_on

FIRST_STEPS = 20
"""Steps after which losses on the device and on the CPU are compared."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = options("benchmarks.ensembles", __doc__)
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:N, mps, or auto: the best there is")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 4, 16, 64], help="how many side by side")
    given = parser.parse_args(arguments)
    last = list({(case.problem, case.computation): case for case in cases(given.config)}.values())
    with fresh_process() as process:
        report = process.submit(measured_on, given.device, last, given.seeds, given.seconds).result()
    files.write_text(given.folder / "ensembles.json", json.dumps(report, indent=2) + "\n")
    files.write_text(given.folder / "ensembles.md", table(report))
    print(table(report), end="")
    return 0


def measured_on(device: str, timed: Sequence[Case], seeds: Sequence[int], seconds: float) -> dict[str, Any]:
    """The measurements of all cases, and on what they were made."""
    torch.set_num_threads(1)
    with training_on(device, 1) as found:
        results = [measure(case, seeds, seconds) for case in timed]
    versions = {"machine": origin.cpu_name(), "torch_version": torch.__version__}
    return {"device": found, **versions, "results": results}


def measure(case: Case, seeds: Sequence[int], seconds: float) -> dict[str, Any]:
    """Time steps of ensembles on torch's default device, and of one seed on one thread of the CPU.

    Returns
    -------
    Steps per second of all seeds together, by their number; ``loss_difference``, the largest relative
    difference between the losses of two seeds on the device and on the CPU after ``FIRST_STEPS``.
    """
    with torch.device("cpu"):
        on_cpu, expected = steps_per_second(case, [0], seconds), first_losses(case)
    rates = {str(count): steps_per_second(case, range(count), seconds) for count in seeds}
    return {
        "problem": case.problem,
        "point": case.point,
        "steps_per_second_on_the_cpu": on_cpu,
        "steps_per_second": rates,
        "loss_difference": ((first_losses(case) - expected) / expected).abs().max().item(),
    }


def steps_per_second(case: Case, seeds: Sequence[int], seconds: float) -> float:
    """Steps that an ensemble takes in a second, those of all ``seeds`` together."""
    learner = case.learner(seeds)
    steps = steps_at_once(learner, case.settings.eval_every, seconds)
    return len(seeds) * steps / seconds_of(partial(learner.advance, steps), seconds)


def first_losses(case: Case) -> Tensor:
    """Losses of two seeds side by side after their first steps (2,), on the CPU."""
    learner = case.learner([0, 1])
    learner.advance(FIRST_STEPS)
    return learner.evaluate()["loss"].cpu().double()


def table(report: dict[str, Any]) -> str:
    """The results as a Markdown table."""
    counts = list(report["results"][0]["steps_per_second"])
    explanation = (
        f"Steps per second of all seeds together: one at a time on one thread of {report['machine']}, and "
        f"{', '.join(counts)} side by side on {report['device']}, torch {report['torch_version']}; "
        f"and the relative difference of their losses after {FIRST_STEPS} steps."
    )
    rows = []
    for result in report["results"]:
        rates = [result["steps_per_second_on_the_cpu"], *result["steps_per_second"].values()]
        numbers = [*(f"{rate:,.0f}" for rate in rates), f"{result['loss_difference']:.0e}"]
        rows.append([result["problem"], f"`{result['point']}`", *numbers])
    return f"{explanation}\n\n{markdown.table(['problem', 'point', 'CPU', *counts, 'difference'], rows)}\n"


if __name__ == "__main__":
    sys.exit(main())
