"""What the report says of flat activations, from toy datasets."""

from pathlib import Path

import numpy as np
import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gradient_failures.claims.text import number
from gradient_failures.problems.flat_activations import views

CONFIG = {
    "experiment": {
        "settings": {"hidden_widths": [7]},
        "settings_by": {
            "approach": {"non_flat_approximation": {"hidden_widths": []}, "end_to_end": {"steps": 10}}
        },
    },
    "forward_only": {"settings": {"samples": 1000, "input_dim": 50, "iterations": 20}},
}
RESULTS = {"flat-activations-approximation-fails": {"claim": {"options": {"level": 0.11}}}}


def shown():
    """Runs of the approximation end at step 20, those of the other approach at step 10."""
    runs = ("approach", "seed", "step")
    nan = np.nan
    flat = xr.Dataset(
        {
            "normalised_rms_error": (
                runs,
                [[[0, 0, 0.11], [0, 0, 0.13], [0, 0, nan]], [[9, 0.25, nan], [9, 0.25, nan], [9, 0.25, nan]]],
            ),
            "share_within_1_percent": (runs, [[[0, 0, 0.5]] * 3, [[0, 0.75, nan]] * 3]),
            "training_cost": (runs, [[[0, 1e6, 4e6]] * 3, [[0, 2.5e6, nan]] * 3]),
            "last_step": (("approach", "seed"), [[20] * 3, [10] * 3]),
            "output": (("approach", "seed", "sample"), np.zeros((2, 3, 2560))),
        },
        coords={"approach": ["non_flat_approximation", "end_to_end"], "step": [0, 10, 20]},
    )
    cells = ("seed", "lipschitz", "step_size")
    errors = [[[1, 0.5, 0.1, 0.0625], [7] * 4], [[1, 0.05, 0.4, 0.3125], [7] * 4]]
    increases = [[[-0.5, -0.25], [-2, -1]], [[-0.25, -0.5], [-3, -4]], [[-1, -1], [-9, -9]]]
    forward_only = xr.Dataset(
        {
            "error": ((*cells, "iteration"), [errors] * 3),
            "guarantee": (("seed", "lipschitz", "iteration"), [[[4, 3, 2, 1], [8, 6, 4, 2]]] * 3),
            "distance_increase": (cells, increases),
            "error_over_guarantee": (("seed", "lipschitz"), [[0.5, 0.1], [0.25, 0.4], [0.3, 0.3]]),
        },
        coords={"lipschitz": [1.0, 30.0], "step_size": [1.0, 2.0], "iteration": [0, 1, 5, 20]},
    )
    return views.view({"flat_activations": flat, "forward_only": forward_only}, CONFIG, RESULTS)


def test_approaches_are_shown_at_their_own_last_step():
    found = shown()["flat_activations"]
    assert found["approaches"][1] == ["end to end", "10", "7", "0.25", "0.75", "2.5"]
    assert (found["seeds"], found["samples"], found["level"]) == (3, 2560, 0.11)


def test_a_run_of_the_approximation_fails_above_the_level_of_the_claim_or_if_it_diverges():
    found = shown()["flat_activations"]
    assert found["fails"] == 2
    name, steps, widths, _, share, cost = found["approaches"][0]
    assert (name, steps, widths, share, cost) == ("non flat approximation", "20", "none", "0.5", "4")


def test_forward_only_is_shown_at_its_last_update_with_the_largest_of_what_is_bounded():
    found = shown()["forward_only"]
    assert found["constants"] == [
        ["1", "0.0625", "1", "0.5", "-0.25", "-0.25"],
        ["30", "0.312", "2", "0.4", "-2", "-1"],
    ]
    assert (found["lipschitz"], found["seeds"]) == (["1", "30"], 3)
    assert found["updates_to"] == {0.1: [5, 1], 0.01: [np.inf, np.inf]}


def test_the_sections_show_what_the_view_found():
    environment = Environment(loader=FileSystemLoader(Path(views.__file__).parent), undefined=StrictUndefined)
    environment.filters |= {"number": number, "series": " and ".join}
    section = environment.get_template("section.html.j2").render(
        view=shown(),
        figure=lambda name, alt, caller: f"figure {name}",
        table=lambda caption, headings, rows: f"{caption}: {len(headings)} columns, {rows[-1]}",
        evidence=lambda anchor: f"evidence of {anchor}",
    )
    for text in (
        "Adam on fresh samples, 3 seeds",
        "2\u202f560 held-out ones",
        "2 of 3 runs",
        "6 columns, ['end to end',",
        "above an error of 0.11",
        "slope L = 1 and 30 and",
        "extremes are over all seeds and updates: 6 columns, ['30',",
        "0.1 after 5, 1 updates and one of 0.01 after more, more",
        "figure flat_activations",
        "figure forward_only",
        "evidence of flat_activations",
        "evidence of forward_only",
    ):
        assert text in section
