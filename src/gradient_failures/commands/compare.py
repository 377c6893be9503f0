"""Compare the results of two runs: ``python -m gradient_failures compare A B``.

Prints Markdown. The exit status is 0 if verdicts, measured values and data are the same, 1 if they differ,
and 2 if one of the runs cannot be read. Where the results come from is shown, but makes no difference.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

from gradient_failures.claims.text import number
from gradient_failures.report.markdown import table
from gradient_failures.results import dataset

VOLATILE = {"history", "wall_seconds"}
"""Attributes that no two runs share."""

SETTINGS = {"config", "runs_settings"}
"""Attributes with settings as YAML, which are compared key by key."""

aligned = partial(table, aligned=True)

VARIABLE_HEADER = ["file", "variable", "values that differ", "largest difference", "relative", "NaN in one"]


class ResultsError(ValueError):
    """A folder that does not hold the results of a run. The message names what cannot be read."""


@dataclass(frozen=True)
class Judged:
    """A claim as configured, its verdict (marked if the run was reduced), and what was measured, by cell."""

    claim: dict[str, Any]
    verdict: str
    measured: dict[str, str]


@dataclass(frozen=True)
class Run:
    """The results of a run: verdicts by claim, data by name, and where each comes from by name."""

    claims: dict[str, Judged]
    metrics: dict[str, xr.Dataset]
    origins: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart.

    Attributes
    ----------
    differing, size : how many values differ, out of how many.
    missing : how many of them are NaN in one array alone; the largest differences leave these out.
    absolute, relative : the largest ``|a - b|``, and the largest ``|a - b| / max(|a|, |b|)``.
    """

    differing: int
    size: int
    missing: int
    absolute: float
    relative: float


def read_run(folder: Path) -> Run:
    """Read the results in ``folder``; :class:`ResultsError` or :class:`DatasetError` names what is wrong."""
    path = folder / "claims.json"
    try:
        verdicts = json.loads(path.read_text(encoding="utf-8"))
        claims = {result["claim"]["id"]: judged(result) for result in verdicts["results"]}
        origin = dict(verdicts["provenance"])
    except FileNotFoundError:
        raise ResultsError(f"{path}: the file is missing; {folder} holds no finished run") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{path}: not readable as verdicts, truncated or damaged ({error!r})") from None
    files = sorted((folder / "metrics").glob("*.nc"))
    if not files:
        raise ResultsError(f"{folder / 'metrics'}: no data in it")
    metrics = {path.stem: dataset.read(path) for path in files}
    return Run(claims, metrics, {"claims": origin, **{name: data.attrs for name, data in metrics.items()}})


def judged(result: Mapping[str, Any]) -> Judged:
    """One of the results in ``claims.json``."""
    verdict = f"{result['verdict']}{' (reduced)' if result['reduced'] else ''}"
    return Judged(result["claim"], verdict, {cell["cell"]: cell["measured"] for cell in result["cells"]})


def difference(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> Difference:
    """Compare two arrays of one shape; NaN equals NaN, and other values than numbers have no distance."""
    numeric = first.dtype.kind in "biuf" and second.dtype.kind in "biuf"
    if not numeric:
        return Difference(int((first != second).sum()), first.size, 0, np.nan, np.nan)
    missing = np.isnan(first) != np.isnan(second)
    apart = (first != second) & ~(np.isnan(first) & np.isnan(second))
    a, b = (values[apart & ~missing].astype(float) for values in (first, second))
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(a - b)
        relative = np.where(np.isinf(distance), np.inf, distance / np.maximum(np.abs(a), np.abs(b)))
    return Difference(
        int(apart.sum()),
        first.size,
        int(missing.sum()),
        float(distance.max(initial=0)),
        float(relative.max(initial=0)),
    )


def same_bits(first: xr.Variable, second: xr.Variable) -> bool:
    """Whether two variables have the same dimensions, type and bits."""
    if (first.dims, first.shape, first.dtype) != (second.dims, second.shape, second.dtype):
        return False
    if first.dtype == object:
        return bool((first.values == second.values).all())
    return first.values.tobytes() == second.values.tobytes()


def coordinate_changes(first: xr.Dataset, second: xr.Dataset) -> list[str]:
    """In words, which dimensions the datasets do not share or have other values of."""
    changes = [f"{dim} only in A" for dim in first.dims if dim not in second.dims]
    changes += [f"{dim} only in B" for dim in second.dims if dim not in first.dims]
    for dim in first.dims:
        if dim in second.dims and not same_bits(first[dim].variable, second[dim].variable):
            a, b = first.indexes[dim], second.indexes[dim]
            common = len(a.intersection(b))
            counts = f"{common} in both, {len(a) - common} only in A, {len(b) - common} only in B"
            same_values = common == len(a) == len(b)
            changes.append(f"{dim}: {'in another order or type' if same_values else counts}")
    return changes


def variable_names(first: xr.Dataset, second: xr.Dataset) -> list[str]:
    """The variables of either dataset, but for the coordinates of its dimensions."""
    return sorted(map(str, {*first.variables, *second.variables} - {*first.dims, *second.dims}))


def variable_rows(first: xr.Dataset, second: xr.Dataset) -> list[list[str]]:
    """One row for each variable that is not the same: name, values that differ, how far, NaN in one alone.

    Values are compared on the coordinates that the datasets share.
    """
    rows = []
    common_first, common_second = xr.align(first, second, join="inner")
    for name in variable_names(first, second):
        if name not in first.variables or name not in second.variables:
            rows.append([name, "only in A" if name in first.variables else "only in B", "", "", ""])
        elif first[name].dims != second[name].dims:
            rows.append([name, f"dimensions {first[name].dims} and {second[name].dims}", "", "", ""])
        elif not same_bits(common_first[name].variable, common_second[name].variable):
            found = difference(common_first[name].values, common_second[name].values)
            distances = ["–" if np.isnan(x) else number(x) for x in (found.absolute, found.relative)]
            rows.append([name, f"{found.differing} of {found.size}", *distances, str(found.missing)])
    return rows


def claim_rows(name: str, first: Judged | None, second: Judged | None) -> list[list[str]]:
    """The rows of one claim: its verdicts, then what was measured at each cell; last in each, the change."""
    if first is None or second is None:
        sides = ["–" if side is None else side.verdict for side in (first, second)]
        return [[name, "", *sides, "only in A" if second is None else "only in B"]]
    changes = ["verdict"] if first.verdict != second.verdict else []
    changes += ["claim"] if first.claim != second.claim else []
    rows = [[name, "", first.verdict, second.verdict, ", ".join(changes)]]
    for cell in dict.fromkeys([*first.measured, *second.measured]):
        values = [side.measured.get(cell, "–") for side in (first, second)]
        rows.append(["", cell, *values, "measured" if values[0] != values[1] else ""])
    return rows


def flattened(settings: Any, prefix: str) -> dict[str, Any]:
    """The leaves of nested settings, by their path joined with dots."""
    if not isinstance(settings, Mapping):
        return {prefix: settings}
    return {
        path: leaf
        for key, value in settings.items()
        for path, leaf in flattened(value, f"{prefix}.{key}").items()
    }


def origin(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What the attributes of a result say of where it comes from, settings key by key."""
    parts: dict[str, Any] = {}
    for key, value in attributes.items():
        if key in SETTINGS:
            settings = yaml.safe_load(value) if isinstance(value, str) else value
            parts |= flattened(settings, key)
        elif key not in VOLATILE:
            parts[key] = value
    return {key: str(value) for key, value in parts.items()}


def origin_rows(first: Run, second: Run) -> list[list[str]]:
    """One row for each difference in origin: the attribute, its values, and the results that it holds for."""
    shared = [name for name in first.origins if name in second.origins]
    files: dict[tuple[str, str, str], list[str]] = {}
    for name in shared:
        a, b = origin(first.origins[name]), origin(second.origins[name])
        for key in dict.fromkeys([*a, *b]):
            values = a.get(key, "–"), b.get(key, "–")
            if values[0] != values[1]:
                files.setdefault((key, *values), []).append(name)
    return [
        [*difference, "all" if len(names) == len(shared) else ", ".join(names)]
        for difference, names in files.items()
    ]


def claims_differing(first: Run, second: Run) -> tuple[str, int]:
    """The table of all claims, and how many of them are not the same."""
    names = dict.fromkeys([*first.claims, *second.claims])
    rows = {name: claim_rows(name, first.claims.get(name), second.claims.get(name)) for name in names}
    differing = sum(any(row[-1] for row in group) for group in rows.values())
    header = ["claim", "at", "in A", "in B", "what changed"]
    return aligned(header, [row for group in rows.values() for row in group]), differing


def metrics_differing(first: Run, second: Run) -> tuple[str, int]:
    """The tables of all files and of the variables that differ, and how many files are not the same."""
    files, variables, differing = [], [], 0
    for name in dict.fromkeys([*first.metrics, *second.metrics]):
        a, b = first.metrics.get(name), second.metrics.get(name)
        if a is None or b is None:
            files.append([name, "only in A" if b is None else "only in B", "–"])
            differing += 1
        else:
            moved, rows = coordinate_changes(a, b), variable_rows(a, b)
            files.append([name, in_words(a, b, moved, rows), "; ".join(moved) or "the same"])
            variables += [[name, *row] for row in rows]
            differing += bool(moved or rows)
    tables = [aligned(["file", "data", "coordinates"], files)]
    if variables:
        tables.append(aligned(VARIABLE_HEADER, variables))
    return "\n\n".join(tables), differing


def in_words(first: xr.Dataset, second: xr.Dataset, moved: Sequence[str], rows: Sequence[Any]) -> str:
    """Whether the data of two files are the same, given how their coordinates and variables differ."""
    differing = f"differs in {len(rows)} of {len(variable_names(first, second))} variables"
    where = " where both have coordinates" if moved else ""
    return (differing if rows else "identical bits") + where


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the folders named on the command line; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m gradient_failures compare",
        description="Compare two runs. Exit status: 0 if the same, 1 if not, 2 if one is not readable.",
    )
    for name in ("A", "B"):
        parser.add_argument(name, type=Path, help=f"results of run {name}")
    folders = parser.parse_args(arguments)
    try:
        first, second = read_run(folders.A), read_run(folders.B)
    except (ResultsError, dataset.DatasetError) as error:
        print(error, file=sys.stderr)
        return 2
    claims, claims_changed = claims_differing(first, second)
    metrics, files_changed = metrics_differing(first, second)
    origins = origin_rows(first, second)
    sections = {
        "Claims": claims,
        "Data": metrics,
        "Origin": aligned(["attribute", "in A", "in B", "results"], origins) if origins else "The same.",
    }
    print(f"# A: {folders.A}, B: {folders.B}")
    for title, content in sections.items():
        print(f"\n## {title}\n\n{content}")
    if claims_changed or files_changed:
        print(f"\nNot the same: claims that differ: {claims_changed}, files of data: {files_changed}.")
        return 1
    print("\nVerdicts, measured values and data are the same.")
    return 0
