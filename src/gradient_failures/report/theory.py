"""The table of the paper's theorems and lemmas: what was computed for each, and by what margin it holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xarray as xr

from gradient_failures.claims.text import number


def statements(results: Iterable[Mapping[str, Any]], data: Mapping[str, xr.Dataset]) -> list[dict[str, Any]]:
    """A row of the table for each claim in ``results``, those of ``claims.json``, that belongs to a theorem.

    Of each the ``result`` itself, the ``extent`` that it was computed for, what was ``measured`` in the
    tightest of its cells, which one that is (``at``, empty if it is the only one), and the ``share`` of what
    the criterion allows that is taken up there.
    """
    return [_statement(result, data) for result in results if result["claim"]["theorem"]]


def _statement(result: Mapping[str, Any], data: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    claim, cells = result["claim"], result["cells"]
    if not cells:
        return {"result": result, "extent": "", "measured": "–", "at": "", "share": "–"}
    tightest = cells[result["tightest"]]
    variable = claim["options"].get("variable")
    return {
        "result": result,
        "extent": extent(data[claim["data"]][variable], claim["select"]) if variable else "",
        "measured": tightest["measured"],
        "at": f"at {tightest['cell']}, one of {len(cells)} cases" if len(cells) > 1 else "",
        "share": "–" if tightest["share"] is None else number(tightest["share"]),
    }


def extent(data: xr.DataArray, cells: Sequence[Mapping[str, Any]]) -> str:
    """The range that ``cells`` of ``data`` cover, in words, but for the axes that tell the cells apart.

    Numeric axes are given by their span, seeds by their number.
    """
    parts = []
    for axis in data.dims:
        values, name = data[axis].values, data[axis].attrs["long_name"]
        if any(axis in cell for cell in cells):
            continue
        if axis == "seed":
            parts.append(f"{values.size} seeds")
        elif values.dtype.kind in "if" and values.size > 1:
            parts.append(f"{name} from {number(values.min())} to {number(values.max())}")
        else:
            parts.append(f"{name}: {series(values.tolist())}")
    return "; ".join(parts)


def series(values: Sequence[Any]) -> str:
    """Values in words: "5, 10 and 30"."""
    words = [str(value) for value in values]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
