"""What the report computes from data."""

import base64
import math

import numpy as np
import xarray as xr

from gradient_failures.report import data_uri, learning_table
from gradient_failures.statistics import rate


def test_the_learning_table_has_success_and_speed_for_each_value_of_the_axis():
    passages = {5: [100, 300, 200, math.inf], 30: [math.inf, math.inf, math.inf, 400]}
    step = np.arange(0, 500, 100)
    accuracy = xr.DataArray(
        [[np.where(step >= passage, 0.95, 0.5) for passage in runs] for runs in passages.values()],
        dims=("dim", "seed", "step"),
        coords={"dim": list(passages), "step": step},
    )
    easy, hard = learning_table(accuracy, level=0.9)
    assert (easy["value"], hard["value"]) == (5, 30)
    assert (easy["rate"], hard["rate"]) == (rate(3, 4), rate(1, 4))
    assert (easy["steps"].value, easy["steps"].low, easy["steps"].high) == (300, 100, math.inf)
    assert (hard["steps"].value, hard["steps"].low, hard["steps"].high) == (math.inf, 400, math.inf)
    assert [row["rate"].value for row in learning_table(accuracy, level=0.96)] == [0, 0]


def test_an_image_comes_back_from_its_address():
    image = b"<svg>\xc2\xa7</svg>"
    head, content = data_uri(image).split(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == image
