"""Compare the results of two runs: ``python -m gradient_failures compare A B``.

Prints Markdown. The exit status is 0 if verdicts, measured values and data are the same, 1 if they differ,
and 2 if one of the runs cannot be read. Where the results come from is shown, but makes no difference.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

from gradient_failures.claims.text import number
from gradient_failures.config.base import flat
from gradient_failures.report.markdown import table
from gradient_failures.results import dataset

VOLATILE = {"history", "wall_seconds"}
"""Attributes that no two runs share."""

SETTINGS = {"config", "runs_settings"}
"""Attributes with settings as YAML, which are compared key by key."""

SAME = ["identical bits", "the same"]
"""What the table of files says of the data and of the coordinates of a file that does not differ."""

TABLES = {
    "Claims": ["claim", "at", "in A", "in B", "what changed"],
    "Data": ["file", "data", "coordinates"],
    "Variables": ["file", "variable", "values that differ", "largest difference", "relative", "NaN in one"],
    "Origin": ["attribute", "in A", "in B", "results"],
}
"""Headings of the columns, by title. Of variables and origin, only what differs is listed."""


class ResultsError(ValueError):
    """A folder that does not hold the results of a run. The message names what cannot be read."""


@dataclass(frozen=True)
class Run:
    """Of each claim the "claim" itself, its "verdict" and what was "measured" by cell; data; attributes."""

    claims: dict[str, dict[str, Any]]
    metrics: dict[str, xr.Dataset]
    origins: dict[str, Mapping[str, Any]]


def read_run(folder: Path) -> Run:
    """Read the results in ``folder``; :class:`ResultsError` or :class:`DatasetError` names what is wrong."""
    path = folder / "claims.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        claims = {
            result["claim"]["id"]: {
                "claim": result["claim"],
                "verdict": f"{result['verdict']}{' (reduced)' if result['reduced'] else ''}",
                "measured": {cell["cell"]: cell["measured"] for cell in result["cells"]},
            }
            for result in document["results"]
        }
        origin = dict(document["provenance"])
    except FileNotFoundError:
        raise ResultsError(f"{path}: the file is missing; {folder} holds no finished run") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{path}: not readable as verdicts, truncated or damaged ({error!r})") from None
    metrics = {path.stem: dataset.read(path) for path in sorted((folder / "metrics").glob("*.nc"))}
    if not metrics:
        raise ResultsError(f"{folder / 'metrics'}: no data in it")
    return Run(claims, metrics, {"claims": origin, **{name: data.attrs for name, data in metrics.items()}})


def pairs(first: Mapping[Any, Any], second: Mapping[Any, Any], absent: Any = None) -> Iterator[list[Any]]:
    """Each key of either, and what both have there; in the order of the first."""
    for key in dict.fromkeys([*first, *second]):
        yield [key, first.get(key, absent), second.get(key, absent)]


def claim_rows(first: Run, second: Run) -> list[list[str]]:
    """The verdicts on each claim, then what was measured at each cell; last in each row, what changed."""
    rows = []
    for name, a, b in pairs(first.claims, second.claims):
        if a is None or b is None:
            verdicts = ["–" if side is None else side["verdict"] for side in (a, b)]
            rows.append([name, "", *verdicts, "only in A" if b is None else "only in B"])
            continue
        changes = [part for part in ("verdict", "claim") if a[part] != b[part]]
        rows.append([name, "", a["verdict"], b["verdict"], ", ".join(changes)])
        for cell in pairs(a["measured"], b["measured"], "–"):
            rows.append(["", *cell, "measured" if cell[1] != cell[2] else ""])
    return rows


def difference(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> list[str]:
    """How many values of two arrays of one shape differ, how far at most, and how many are NaN in one alone.

    NaN equals NaN. Relative distance is ``|a - b| / max(|a|, |b|)``; what is no number has no distance.
    """
    if not all(values.dtype.kind in "biuf" for values in (first, second)):
        return [f"{(first != second).sum()} of {first.size}", "–", "–", "0"]
    missing = np.isnan(first) != np.isnan(second)
    apart = (first != second) & ~(np.isnan(first) & np.isnan(second))
    a, b = (values[apart & ~missing].astype(float) for values in (first, second))
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(a - b)
        relative = np.where(np.isinf(distance), np.inf, distance / np.maximum(np.abs(a), np.abs(b)))
    largest = [number(values.max(initial=0)) for values in (distance, relative)]
    return [f"{apart.sum()} of {first.size}", *largest, str(missing.sum())]


def same_bits(first: xr.Variable, second: xr.Variable) -> bool:
    """Whether two variables with the same dimensions have the same type and bits."""
    if first.dtype == second.dtype == object:
        return np.array_equal(first.values, second.values)
    return first.dtype == second.dtype and first.values.tobytes() == second.values.tobytes()


def coordinate_changes(first: xr.Dataset, second: xr.Dataset) -> list[str]:
    """In words, which dimensions the datasets do not share or have other values of."""
    changes = []
    for dim, a, b in pairs(first.indexes, second.indexes):
        if a is None or b is None:
            changes.append(f"{dim} only in {'A' if b is None else 'B'}")
        elif not same_bits(first[dim].variable, second[dim].variable):
            common = len(a.intersection(b))
            counts = f"{common} in both, {len(a) - common} only in A, {len(b) - common} only in B"
            same_values = common == len(a) == len(b)
            changes.append(f"{dim}: {'in another order or type' if same_values else counts}")
    return changes


def variable_changes(first: xr.Dataset, second: xr.Dataset) -> dict[str, list[str]]:
    """How each variable differs on the coordinates that the datasets share; of those that do not, nothing.

    Coordinates of dimensions are left out.
    """
    changes: dict[str, list[str]] = {}
    first, second = xr.align(first, second, join="inner")
    for name in sorted(map(str, {*first.variables, *second.variables} - {*first.dims, *second.dims})):
        a, b = first.variables.get(name), second.variables.get(name)
        if a is None or b is None:
            changes[name] = ["only in A" if b is None else "only in B", "", "", ""]
        elif a.dims != b.dims:
            changes[name] = [f"dimensions {a.dims} and {b.dims}", "", "", ""]
        else:
            changes[name] = [] if same_bits(a, b) else difference(a.values, b.values)
    return changes


def data_rows(first: Run, second: Run) -> tuple[list[list[str]], list[list[str]]]:
    """One row for each file, and one for each variable that is not the same."""
    files, variables = [], []
    for name, a, b in pairs(first.metrics, second.metrics):
        if a is None or b is None:
            files.append([name, "only in A" if b is None else "only in B", "–"])
            continue
        moved, changes = coordinate_changes(a, b), variable_changes(a, b)
        rows = [[name, variable, *change] for variable, change in changes.items() if change]
        data = f"differs in {len(rows)} of {len(changes)} variables" if rows else SAME[0]
        where = " where both have coordinates" if moved else ""
        files.append([name, f"{data}{where}", "; ".join(moved) or SAME[1]])
        variables += rows
    return files, variables


def origin(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What the attributes of a result say of where it comes from, settings key by key."""
    parts = {key: value for key, value in attributes.items() if key not in VOLATILE}
    parts |= {key: yaml.safe_load(parts[key]) for key in SETTINGS & parts.keys()}
    return {key: str(value) for key, value in flat(parts).items()}


def origin_rows(first: Run, second: Run) -> list[list[str]]:
    """One row for each difference in origin: the attribute, its values, and the results that it holds for."""
    found = defaultdict(list)
    shared = [name for name in first.origins if name in second.origins]
    for name in shared:
        for key, a, b in pairs(origin(first.origins[name]), origin(second.origins[name]), "–"):
            if a != b:
                found[key, a, b].append(name)
    return [[*change, "all" if names == shared else ", ".join(names)] for change, names in found.items()]


def run(first: Path, second: Path) -> int:
    """Print how the results in two folders differ; the exit status."""
    try:
        runs = read_run(first), read_run(second)
    except (ResultsError, dataset.DatasetError) as error:
        print(error, file=sys.stderr)
        return 2
    claims_changed = sum(a != b for _, a, b in pairs(runs[0].claims, runs[1].claims))
    files, variables = data_rows(*runs)
    files_changed = sum(row[1:] != SAME for row in files)
    print(f"# A: {first}, B: {second}")
    for title, rows in zip(TABLES, (claim_rows(*runs), files, variables, origin_rows(*runs)), strict=True):
        print(f"\n## {title}\n\n{table(TABLES[title], rows, aligned=True) if rows else 'The same.'}")
    if claims_changed or files_changed:
        print(f"\nNot the same: claims that differ: {claims_changed}, files of data: {files_changed}.")
        return 1
    print("\nVerdicts, measured values and data are the same.")
    return 0
