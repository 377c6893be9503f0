"""What the views of several problems show."""

import math

import numpy as np
import pytest
import xarray as xr

from gradient_failures.claims.text import interval
from gradient_failures.report.tables import late_mean, learning_rows
from gradient_failures.results.statistics import rate


@pytest.fixture
def accuracy():
    """Runs that jump to 0.95 at some step, for each value of an axis."""
    passages = {5: [100, 300, 200, math.inf], 30: [math.inf, math.inf, math.inf, 400]}
    step = np.arange(0, 500, 100)
    return xr.DataArray(
        [[np.where(step >= passage, 0.95, 0.5) for passage in runs] for runs in passages.values()],
        dims=("dim", "seed", "step"),
        coords={"dim": list(passages), "step": step},
    )


def test_a_row_for_each_value_of_the_axis_has_success_and_speed(accuracy):
    assert learning_rows(accuracy, level=0.9) == [
        ["5", "4", interval(rate(3, 4)), "300", "100", "never"],
        ["30", "4", interval(rate(1, 4)), "never", "400", "never"],
    ]


def test_a_level_that_no_run_reaches_is_never_learnt(accuracy):
    rows = learning_rows(accuracy, level=0.96)
    assert [row[2:] for row in rows] == [[interval(rate(0, 4)), "never", "never", "never"]] * 2


def test_the_late_mean_is_that_of_the_last_quarter_of_the_longest_run():
    step = np.arange(0, 900, 100)
    values = [np.where(step <= 400, step, np.nan), np.where(step <= 400, 2, np.nan)]
    runs = xr.Dataset(
        {"accuracy": (("seed", "step"), values), "last_step": ("seed", [400, 400])}, coords={"step": step}
    )
    estimate = late_mean(runs, "accuracy")
    assert (estimate.value, estimate.n) == (pytest.approx((350 + 2) / 2), 2)
