"""Runs that end before the others of their file: where, and what is left without the rest."""

import xarray as xr

DIVERGED = "diverged_at_step"
"""Variable that flags a diverged run: the step of its first non-finite evaluation, NaN if none."""
LAST_STEP = "last_step"
"""Variable with the step at which a run ends. Runs of one file may end at different steps."""
LAST_X = "last_x"
"""Variable with the last point of a run's curves. Runs of one file may have curves of different lengths."""
FEW_RUNS = 5
"""Runs from which on their median and quartiles say more than each of them."""
ENDS = {"step": LAST_STEP, "snapshot": LAST_STEP, "x": LAST_X}
"""The variable that says where along a dimension the values of a run end."""


def completed(dataset: xr.Dataset) -> xr.Dataset:
    """``dataset`` without the steps after the end of its longest run; unchanged if it has no runs."""
    if LAST_STEP not in dataset:
        return dataset
    return dataset.sel(step=dataset["step"] <= dataset[LAST_STEP].max())
