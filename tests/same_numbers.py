"""Whether two runs hold the same bits, the first by the code before "one folder a problem" (commit 93cf165).

``python tests/same_numbers.py OLD NEW``, each the results of a run of the same sizes. The tables below are
the mapping of what was renamed; dimensions may be in another order, the new data may have more variables. The
exit status is 0 if every number of OLD is in NEW.
"""

import sys
from pathlib import Path

import numpy as np
import xarray as xr

FILES = {
    "steps": "flat_activations",
    "curve_steps": "sgd_steps",
}
"""New names of the files in ``metrics``; the others keep theirs."""

AXES = {
    "steps": {"method": "approach"},
    "curves": {"method": "approach"},
    "curves_text": {"method": "approach"},
}
"""New names of axes, by old file."""

OPTIMISERS = {
    "linear_sgd": ("curves_linear_sgd", "linear"),
    "linear_adagrad": ("curves_linear_adagrad", "linear"),
    "preconditioned_sgd": ("curves_preconditioned_sgd", "preconditioned"),
}
"""Values of the axis ``method`` of ``curves`` that were optimisers: their grids, and the approach there."""

APPROACHES = {"end_to_end_long": "end_to_end"}
"""Values of ``approach`` that were budgets, in ``tuples_long``."""


def pairs(old: Path, new: Path):
    """Old and new datasets that should agree, each pair with a name."""
    for path in sorted((old / "metrics").glob("*.nc")):
        before = load(path).rename(AXES.get(path.stem, {}))
        after = load(new / "metrics" / f"{FILES.get(path.stem, path.stem)}.nc")
        if path.stem == "curves":
            for value, (grid, approach) in OPTIMISERS.items():
                moved = load(new / "metrics" / f"{grid}.nc")
                yield f"curves, {value}", before.sel(approach=value), moved.sel(approach=approach)
            before = before.sel(
                approach=[name for name in before["approach"].values if name not in OPTIMISERS]
            )
        if "approach" in before.dims:
            names = [APPROACHES.get(name, name) for name in before["approach"].values]
            before = before.assign_coords(approach=names)
        yield path.stem, before, after


def load(path: Path) -> xr.Dataset:
    return xr.load_dataset(path, engine="netcdf4")


def differences(before: xr.Dataset, after: xr.Dataset) -> list[str]:
    """The variables and coordinates of ``before`` that ``after`` lacks or has with other bits."""
    found = []
    for name, variable in before.variables.items():
        if name in before.coords and name not in before.dims:
            continue
        if name not in after.variables or set(after[name].dims) != set(variable.dims):
            found.append(f"{name} is missing or has other dimensions")
            continue
        moved = after[name].variable.transpose(*variable.dims)
        same = moved.shape == variable.shape and moved.dtype == variable.dtype
        if not same or bits_of(variable) != bits_of(moved):
            found.append(f"{name} differs")
    return found


def bits_of(variable: xr.Variable):
    values = variable.values
    return values.tolist() if values.dtype == object else np.ascontiguousarray(values).tobytes()


def main() -> int:
    """Compare the folders on the command line."""
    old, new = map(Path, sys.argv[1:])
    wrong = variables = 0
    for name, before, after in pairs(old, new):
        found = differences(before, after)
        variables += len(before.variables)
        wrong += len(found)
        print(f"{name}: {'; '.join(found) or 'the same bits'}")
    print(f"{variables - wrong} of {variables} variables have the same bits")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
