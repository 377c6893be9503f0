"""Check results against the checksums in their crate: ``python -m gradient_failures verify [FOLDER]``.

The exit status is 0 if every file is as the run left it, else 1.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from gradient_failures.provenance.crate import CONFIG, METADATA, sha256

EXTRA_SHOWN = 10
"""Number of files that are not of the run that are named; of more, only the number is told."""


class CrateError(ValueError):
    """A crate that cannot be read. The message names it, what is wrong, and how to make it again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: {reason}. Make it with: rm -f {path} && snakemake --cores all {path}"
            " (and the --configfile of its run, if it had one)"
        )


@dataclass(frozen=True)
class Checksum:
    """What a crate records of a file: its size in bytes and its SHA-256 as 64 hex digits."""

    size: int
    sha256: str


def read_crate(folder: Path) -> dict[str, Checksum]:
    """The checksums of all files in the crate of ``folder``, by name relative to it."""
    path = folder / METADATA
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        files = [entity for entity in graph if "File" in entity["@type"]]
        checksums = {
            unquote(file["@id"]): Checksum(int(file["contentSize"]), file["sha256"]) for file in files
        }
    except FileNotFoundError:
        raise CrateError(path, "the file is missing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CrateError(path, f"not readable as a crate, truncated or damaged ({error!r})") from None
    if not checksums:
        raise CrateError(path, "it lists no files")
    return checksums


def problem(path: Path, recorded: Checksum) -> str | None:
    """What is wrong with a file, or None."""
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size < recorded.size:
        return f"truncated, {size} of {recorded.size} bytes"
    try:
        intact = size == recorded.size and sha256(path) == recorded.sha256
    except OSError as error:
        return f"not readable ({error.strerror})"
    return None if intact else "altered"


def extra_files(folder: Path, recorded: Iterable[str]) -> list[str]:
    """The files in ``folder`` that its crate does not list, but for hidden ones and those of crates below."""
    others = [path.parent for path in folder.rglob(METADATA) if path.parent != folder]
    found = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not any(path.is_relative_to(other) for other in others)
    ]
    return sorted({*found} - {*recorded, METADATA})


def rebuild(folder: Path, damaged: Iterable[str]) -> str:
    """The commands that make ``damaged`` files and the crate again, and what depends on them."""
    names = sorted(damaged)
    removed = " ".join(shlex.quote(str(folder / name)) for name in [*names, METADATA])
    if CONFIG in names:
        options = " (with the --configfile of the run, if it had one)"
    else:
        options = f" --configfile {shlex.quote(str(folder / CONFIG))}"
    return f"  rm -f {removed}\n  snakemake --cores all all{options}"


def report(folder: Path, recorded: Mapping[str, Checksum], problems: Mapping[str, str]) -> str:
    """The outcome in words, with the commands that mend it."""
    lines = [f"{folder / name}: {what}" for name, what in problems.items()]
    if problems:
        lines += [
            f"{len(problems)} of {len(recorded)} files are not as the run left them. Rebuild them with:",
            rebuild(folder, problems),
        ]
    else:
        lines.append(f"All {len(recorded)} files in {folder} are as the run left them.")
    extra = extra_files(folder, recorded)
    if extra:
        more = ", …" if len(extra) > EXTRA_SHOWN else ""
        lines.append(f"Besides them, {len(extra)} not of this run: {', '.join(extra[:EXTRA_SHOWN])}{more}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the folder named on the command line; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m gradient_failures verify",
        description="Check every result of a run against the size and SHA-256 in its crate.",
    )
    parser.add_argument("folder", nargs="?", default="results", type=Path, help="results of the run")
    folder = parser.parse_args(arguments).folder
    try:
        recorded = read_crate(folder)
    except CrateError as error:
        print(error, file=sys.stderr)
        return 1
    found = {name: problem(folder / name, checksum) for name, checksum in recorded.items()}
    problems = {name: what for name, what in found.items() if what}
    print(report(folder, recorded, problems))
    return 1 if problems else 0
