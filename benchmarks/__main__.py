"""``python -m benchmarks FOLDER``: time a training step of every kind the paper has.

Writes ``FOLDER/PROBLEM/COMPUTATION/POINT.json`` for each and ``FOLDER/table.md`` for all. The current folder
must be the project's, since runs are started there.
"""

import json
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Any

from benchmarks.cases import cases, fresh_process, options
from benchmarks.starts import seconds_to_start
from benchmarks.timing import measure
from gradient_failures.provenance import files
from gradient_failures.report import markdown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = options("benchmarks", __doc__)
    parser.add_argument("--rounds", type=int, choices=range(1, 100), default=5, metavar="N", help="repeats")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="such as 'curves/*' or '*/dim~30'")
    given = parser.parse_args(arguments)
    timed = [case for case in cases(given.config) if fnmatch(f"{case.problem}/{case.point}", given.only)]
    results: list[dict[str, Any]] = []
    starts = seconds_to_start(given.config, given.rounds)
    for problem in sorted({case.problem for case in timed if not case.plain()}):
        missing = f"benchmarks/plain/{problem}.py"
        print(f"{problem} gets no ratios: it has no plain loop, {missing}", file=sys.stderr)
    with fresh_process() as process:
        for case in timed:
            result = process.submit(measure, case, given.rounds, given.seconds).result()
            training = case.seeds_per_job * result["seconds_of_a_run"]
            result["seconds_to_start"] = starts
            result["share_of_start_in_a_job"] = starts["job"] / (starts["job"] + training)
            path = given.folder / case.problem / case.computation / f"{case.point}.json"
            files.write_text(path, json.dumps(result, indent=2) + "\n")
            print(markdown.row(cells(result).values()), flush=True)
            results.append(result)
    files.write_text(given.folder / "table.md", table(results))
    return 0


def cells(result: dict[str, Any]) -> dict[str, str]:
    """One row of the table, by its headings."""

    def ratio(name: str, digits: int) -> str:
        return "–" if result[name] is None else f"{result[name]:.{digits}f}"

    return {
        "problem": result["problem"],
        "point": f"`{result['point']}`",
        "steps/s": f"{1 / result['seconds_of_a_step']['ours']:,.0f}",
        "plain loop / ours": ratio("plain_over_ours", 1),
        "ours / kernels": ratio("ours_over_kernels", 2),
        "where a step's time goes": ", ".join(
            f"{at} {x:.0%}" for at, x in result["shares_of_a_step"].items()
        ),
        "evaluations": f"{result['share_of_evaluations']:.0%}",
        "start of a job": f"{result['share_of_start_in_a_job']:.0%}",
        "peak memory": f"{result['peak_memory_mb']:.0f} MB",
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """All results as a Markdown table."""
    first = results[0]
    starts = first["seconds_to_start"]
    origin = (
        f"One thread of {first['machine']}, torch {first['torch_version']}; medians of {first['rounds']}. "
        f"A run takes {starts['run']:.1f} s to start, and {starts['job']:.1f} s for each job (Snakemake, "
        "imports, end of the job)."
    )
    rows = [cells(result).values() for result in results]
    return f"{origin}\n\n{markdown.table(cells(first), rows)}\n"


if __name__ == "__main__":
    sys.exit(main())
