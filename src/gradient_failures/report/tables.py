"""What the views of several problems show: rows of tables, and estimates from runs."""

import numpy as np
import xarray as xr

from gradient_failures.claims.text import interval, number
from gradient_failures.results import statistics
from gradient_failures.results.runs import completed
from gradient_failures.results.statistics import Estimate


def learning_rows(accuracy: xr.DataArray, level: float) -> list[list[str]]:
    """How often and how fast runs learn, one row for each value of the first axis of ``accuracy``.

    Parameters
    ----------
    accuracy : shape (axis, seed, step).
    level : the accuracy that counts as learnt.

    Returns
    -------
    Rows with the value of the axis, the number of runs, the share that learns with its interval, and the
    steps to ``level``: their median over the runs, never unless more than half learn, the fastest run and the
    slowest.
    """
    rows = []
    passages = statistics.first_passage(accuracy, level).values
    for value, steps in zip(accuracy[accuracy.dims[0]].values, passages, strict=True):
        rate = statistics.rate(int(np.isfinite(steps).sum()), steps.size)
        found = statistics.observed_range(steps)
        speed = [number(step, "never") for step in (found.value, found.low, found.high)]
        rows.append([str(value), str(rate.n), interval(rate), *speed])
    return rows


def late_mean(runs: xr.Dataset, variable: str) -> Estimate:
    """Mean over runs of ``variable`` (seed, step) over the last quarter of their training."""
    return statistics.mean(statistics.late_mean(completed(runs)[variable]))
