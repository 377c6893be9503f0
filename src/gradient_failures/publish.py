"""Keep the report of a run without its data: ``python -m gradient_failures.publish RESULTS FOLDER``.

The page and its summary, the verdicts, the configuration and the crate are copied. Links of the page to what
is not copied lose their address and keep their words.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from gradient_failures import files
from gradient_failures.crate import CONFIG, METADATA

PAGE = "report/index.html"
COPIED = ["report/summary.md", "claims.json", CONFIG, METADATA]
"""Files of a run that are kept besides its page, relative to its folder."""

LINK = re.compile(r'<a href="(?P<address>[^"#:]+)">(?P<words>.*?)</a>', re.DOTALL)
"""A link of the page to another file."""


def publish(results: Path, folder: Path) -> None:
    """Copy the report of the run in ``results`` to ``folder``; FileNotFoundError if a part is missing."""
    page = (results / PAGE).read_text(encoding="utf-8")
    kept = {(results / name).resolve(): folder / Path(name).name for name in COPIED}
    for source, copy in kept.items():
        files.copy(source, copy)

    def readdressed(link: re.Match[str]) -> str:
        target = (results / PAGE).parent.joinpath(link["address"]).resolve()
        if target.is_relative_to(results.resolve()) and target not in kept:
            return link["words"]
        address = os.path.relpath(kept.get(target, target), folder)
        return f'<a href="{address}">{link["words"]}</a>'

    files.write_text(folder / Path(PAGE).name, LINK.sub(readdressed, page))


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the run named on the command line; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m gradient_failures.publish", description="Keep the report of a run without its data."
    )
    parser.add_argument("results", type=Path, help="results of the run")
    parser.add_argument("folder", type=Path, help="where to keep its report")
    options = parser.parse_args(arguments)
    try:
        publish(options.results, options.folder)
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: finish the run with snakemake --cores all all", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
