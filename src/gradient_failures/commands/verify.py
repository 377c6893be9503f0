"""Check results against the checksums in their crate: ``python -m gradient_failures verify [FOLDER]``.

The exit status is 0 if every file is as the run left it, else 1.
"""

import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from gradient_failures.provenance.crate import CONFIG, METADATA, sha256

EXTRA_SHOWN = 10
"""Number of files that are not of the run that are named; of more, only the number is told."""


class CrateError(ValueError):
    """A crate that cannot be read. The message names it, what is wrong, and how to make it again."""


def read_crate(path: Path) -> dict[str, str]:
    """The SHA-256 of every file in the crate at ``path``, by name relative to its folder."""
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        files = {unquote(entity["@id"]): entity["sha256"] for entity in graph if "File" in entity["@type"]}
        if files:
            return files
        reason = "it lists no files"
    except FileNotFoundError:
        reason = "the file is missing"
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"not readable as a crate, truncated or damaged ({error!r})"
    raise CrateError(
        f"{path}: {reason}. Make it with: rm -f {path} && snakemake --cores all {path}"
        " (and the --configfile of its run, if it had one)"
    )


def damage(path: Path, recorded: str) -> str | None:
    """What is wrong with a file whose SHA-256 was ``recorded``, or None."""
    if not path.is_file():
        return "missing"
    try:
        return None if sha256(path) == recorded else "altered"
    except OSError as error:
        return f"not readable ({error.strerror})"


def extra_files(folder: Path, recorded: Iterable[str]) -> list[str]:
    """The files in ``folder`` that its crate does not list, but for hidden ones and those of crates below."""
    others = {path.parent for path in folder.rglob(METADATA)} - {folder}
    files = [path for path in folder.rglob("*") if path.is_file() and others.isdisjoint(path.parents)]
    names = [path.relative_to(folder) for path in files]
    shown = {name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)}
    return sorted(shown - {*recorded, METADATA})


def run(folder: Path) -> int:
    """Say which files of the run in ``folder`` are damaged, and what mends them; the exit status."""
    try:
        recorded = read_crate(folder / METADATA)
    except CrateError as error:
        print(error, file=sys.stderr)
        return 1
    found = {name: damage(folder / name, checksum) for name, checksum in recorded.items()}
    damaged = sorted(name for name in found if found[name])
    for name in damaged:
        print(f"{folder / name}: {found[name]}")
    if damaged:
        configured = f"--configfile {shlex.quote(str(folder / CONFIG))}"
        if CONFIG in damaged:
            configured = "(with the --configfile of the run, if it had one)"
        print(f"{len(damaged)} of {len(recorded)} files are not as the run left them. Rebuild them with:")
        print(" ", shlex.join(["rm", "-f", *(str(folder / name) for name in [*damaged, METADATA])]))
        print(f"  snakemake --cores all all {configured}")
    else:
        print(f"All {len(recorded)} files in {folder} are as the run left them.")
    if extra := extra_files(folder, recorded):
        more = ", …" if len(extra) > EXTRA_SHOWN else ""
        print(f"Besides them, {len(extra)} not of this run: {', '.join(extra[:EXTRA_SHOWN])}{more}")
    return 1 if damaged else 0
