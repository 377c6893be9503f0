"""Keep the report of a run without its data: ``python -m gradient_failures publish RESULTS FOLDER``.

The page is the one whose links lead to nothing but what is copied with it.
"""

import sys
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


class PublishError(ValueError):
    """A part of the report that is not there, or a link to a place outside the results. It is named."""


def publish(results: Path, folder: Path) -> None:
    """Copy the report of the run in ``results`` to ``folder``; all of it, else :class:`PublishError`."""
    for name in COPIED:
        source = (results / name).resolve()
        if not source.is_file():
            raise PublishError(f"{source} is missing: finish the run with snakemake --cores all all")
        if not source.is_relative_to(results.resolve()):
            raise PublishError(
                f"{results / name} leads out of the results, to {source}; nothing is published"
            )
    for name, kept in COPIED.items():
        files.copy(results / name, folder / kept)


def run(results: Path, folder: Path) -> int:
    """Publish a run; the exit status."""
    try:
        publish(results, folder)
    except PublishError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
