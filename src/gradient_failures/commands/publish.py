"""Keep the report of a run without its data: ``python -m gradient_failures publish RESULTS FOLDER``.

The page is the one whose links lead to nothing but what is copied with it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gradient_failures.provenance import files
from gradient_failures.provenance.crate import CONFIG, METADATA

COPIED = {
    "report/summary.md": "summary.md",
    "claims.json": "claims.json",
    CONFIG: CONFIG,
    METADATA: METADATA,
    "report/standalone.html": "index.html",
}
"""Files of a run that are kept, and what they are called then."""


class LinkError(ValueError):
    """A file of the results that is a link to a place outside them. The message names both."""


def publish(results: Path, folder: Path) -> None:
    """Copy the report of the run in ``results`` to ``folder``, if all parts of it are there.

    Raises
    ------
    FileNotFoundError : a part is missing.
    LinkError : a part is not in the results.
    """
    sources = {name: (results / name).resolve(strict=True) for name in COPIED}
    for name, source in sources.items():
        if not source.is_relative_to(results.resolve()):
            raise LinkError(f"{results / name} leads out of the results, to {source}; nothing is published")
    for name, source in sources.items():
        files.copy(source, folder / COPIED[name])


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the run named on the command line; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m gradient_failures publish",
        description="Keep the report of a run without its data.",
    )
    parser.add_argument("results", type=Path, help="results of the run")
    parser.add_argument("folder", type=Path, help="where to keep its report")
    options = parser.parse_args(arguments)
    try:
        publish(options.results, options.folder)
    except FileNotFoundError as error:
        trouble = f"{error.filename} is missing: finish the run with snakemake --cores all all"
    except LinkError as error:
        trouble = str(error)
    else:
        return 0
    print(trouble, file=sys.stderr)
    return 1
