"""``python -m gradient_failures.benchmark FOLDER``: time a training step of every kind the paper has.

Writes ``FOLDER/EXPERIMENT/POINT.json`` for each and ``FOLDER/table.md`` for all. The current folder must be
the project's, since runs are started there.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from gradient_failures import files, markdown
from gradient_failures.benchmark.measure import cases, measure
from gradient_failures.benchmark.starts import seconds_to_start
from gradient_failures.config.files import read_yaml
from gradient_failures.config.paper import validated


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gradient_failures.benchmark", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the results go")
    parser.add_argument("--config", default="config/config.yaml", help="sizes to measure at")
    parser.add_argument("--rounds", type=positive, default=5, help="repeats, of which the median is taken")
    options = parser.parse_args(arguments)
    paper = validated(read_yaml(options.config))
    starts, results = seconds_to_start(options.config, options.rounds), []
    # A process for each case: its memory is its own, and what it left in caches goes with it.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as pool:
        for case in cases(paper):
            result = pool.submit(measure, *case, options.rounds).result()
            seeds = paper.experiments()[result["experiment"]].seeds_per_job
            training = seeds * result["seconds_of_a_run"]
            result["seconds_to_start"] = starts
            result["share_of_start_in_a_job"] = starts["job"] / (starts["job"] + training)
            name = f"{result['experiment']}/{result['point']}.json"
            files.write_text(options.folder / name, json.dumps(result, indent=2) + "\n")
            print(markdown.row(cells(result)), flush=True)
            results.append(result)
    files.write_text(options.folder / "table.md", table(results))
    return 0


def positive(text: str) -> int:
    """A whole number of at least 1; a ValueError for anything else."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


HEADINGS = [
    "experiment",
    "point",
    "steps/s",
    "plain loop / ours",
    "ours / kernels",
    "where a step's time goes",
    "evaluations",
    "start of a job",
    "peak memory",
]


def cells(result: dict[str, Any]) -> list[str]:
    """One row of the table."""
    phases_of_a_step = ", ".join(
        f"{phase} {share:.0%}" for phase, share in result["shares_of_a_step"].items()
    )
    return [
        result["experiment"],
        f"`{result['point']}`",
        f"{1 / result['seconds_of_a_step']['ours']:,.0f}",
        f"{result['plain_over_ours']:.1f}",
        f"{result['ours_over_kernels']:.2f}" if result["ours_over_kernels"] else "–",
        phases_of_a_step,
        f"{result['share_of_evaluations']:.0%}",
        f"{result['share_of_start_in_a_job']:.0%}",
        f"{result['peak_memory_mb']:.0f} MB",
    ]


def table(results: Sequence[dict[str, Any]]) -> str:
    """All results as a Markdown table."""
    first = results[0]
    starts = first["seconds_to_start"]
    origin = (
        f"One thread of {first['machine']}, torch {first['torch_version']}; medians of {first['rounds']}. "
        f"A run takes {starts['run']:.1f} s to start, and {starts['job']:.1f} s for each job (Snakemake, "
        "imports, end of the job)."
    )
    return f"{origin}\n\n{markdown.table(HEADINGS, map(cells, results))}\n"


if __name__ == "__main__":
    sys.exit(main())
