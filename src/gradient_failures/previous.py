"""Results that a run is to replace: a copy of each is kept until the new one is there.

Snakemake removes the outputs of a job before it starts, and again if it fails.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from gradient_failures import files

FOLDER = ".previous"
"""Where the copies are, beside the results."""


def keep(outputs: Iterable[str], results: Path) -> None:
    """Copy the files among ``outputs``, which are in ``results``; OSError names what cannot be copied."""
    for output in map(Path, outputs):
        if output.is_file():
            files.copy(output, results / FOLDER / output.relative_to(results))


def drop(results: Path) -> list[Path]:
    """Remove the copies of what is there again; those of what is not stay, and are returned."""
    folder = results / FOLDER
    kept = sorted(path for path in folder.rglob("*") if path.is_file())
    missing = [path for path in kept if not (results / path.relative_to(folder)).exists()]
    for path in {*kept} - {*missing}:
        path.unlink()
    if not missing:
        shutil.rmtree(folder, ignore_errors=True)
    return missing
