"""What the report says of curves and their conditioning, from toy datasets."""

from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gradient_failures.claims.text import number
from gradient_failures.problems.curves import views
from gradient_failures.results.dataset import labelled

STEPS = [0, 100, 200, 300]


def grid(**errors):
    """Runs with ``errors`` (seed, step) of decoded curves by approach; those of slope changes are double."""
    dims = ("approach", "seed", "step")
    values = list(errors.values())
    doubled = [[[2 * error for error in run] for run in runs] for runs in values]
    return labelled(
        {"decode_error": (dims, values, "decode error"), "kink_error": (dims, doubled, "kink error")},
        {
            "approach": (list(errors), "approach"),
            "seed": (range(3), "seed"),
            "step": (STEPS, "steps"),
            "snapshot": (STEPS[1:], "steps"),
        },
    )


def constant(level):
    return [[level] * 4] * 3


DATA = {
    "curves": grid(
        linear=constant(0.5),
        convolutional=[[1.0, 0.3, 0.04, 0.01], [1.0, 0.2, 0.009, 0.02], [1.0, 0.1, 0.06, 0.03]],
        preconditioned=[[1.0, 0.0005, 0.002, 0.1], [1.0, 0.001, 0.0004, 0.2], [1.0, 0.003, 0.0001, 0.0003]],
        autoencoder=constant(0.7),
    ),
    "curves_linear_sgd": grid(linear=constant(0.6)),
    "curves_linear_adagrad": grid(linear=constant(0.4)),
    "curves_preconditioned_sgd": grid(
        preconditioned=[[1.0, level, level, level] for level in (3e-7, 4e-8, 5e-8)]
    ),
    "conditioning": labelled(
        {
            "linear_condition_number": ("n_points", [123456.0, 2e6], "κ"),
            "linear_over_law": ("n_points", [1.23456, 1.1], "over law"),
            "iterations_bound": ("n_points", [61727.0, 999999.0], "bound"),
            "iterations_needed": (("step_size", "n_points"), [[70000, 80000], [1, 2]], "needed"),
            "filter_condition_number": (
                ("curve_distribution", "n_points"),
                [[20.0, 30.0], [40.0, 50.0]],
                "κ(C)",
            ),
        },
        {
            "n_points": ([25, 50], "n"),
            "step_size": ([1.0, 2.0], "step size"),
            "curve_distribution": (["figure", "text"], "distribution"),
            "seed": (range(4), "seed"),
        },
    ),
    "sgd_steps": labelled(
        {
            "steps_needed": (
                ("n_points", "problem", "seed"),
                [[[10.0, 30.0], [3.0, 3.0]], [[100.0, 100.0], [4.0, 4.0]]],
                "steps",
            ),
            "censored": (("n_points", "problem", "seed"), [[[0, 0], [0, 0]], [[1, 1], [0, 0]]], "censored"),
            "predicted_steps": ("n_points", [21.0, 2100.4], "predicted"),
        },
        {
            "n_points": ([25, 50], "n"),
            "problem": (["convolutional", "preconditioned"], "problem"),
            "seed": (range(2), "seed"),
        },
    ),
}
CONFIG = {
    "experiment": {
        "settings": {"training_curves": 10000, "heldout_curves": 1000, "steps": 300},
        "settings_by": {"approach": {"preconditioned": {"optimiser": {"learning_rate": 0.99}}}},
    },
    "conditioning": {"settings": {"training_curves": [10, 30, 2000]}},
    "sgd_steps": {"settings": {"training_curves": 500, "batch_size": 20, "error_level": 0.001}},
}


def test_median_errors_of_each_grid_by_snapshot():
    assert views.error_headings([500, 1000]) == [
        "Method",
        "Decoded curve, 500 steps",
        "Decoded curve, 1\u202f000 steps",
        "Slope changes, 1\u202f000 steps",
    ]
    assert views.errors(DATA) == [
        ["Linear, Adam", "0.5", "0.5", "0.5", "1"],
        ["Linear, SGD", "0.6", "0.6", "0.6", "1.2"],
        ["Linear, Adagrad", "0.4", "0.4", "0.4", "0.8"],
        ["Convolutional, Adam", "0.2", "0.04", "0.02", "0.04"],
        ["Preconditioned, Adam", "0.001", "0.0004", "0.1", "0.2"],
        ["Preconditioned, SGD", "5e-08", "5e-08", "5e-08", "1e-07"],
        ["Autoencoder, Adam", "0.7", "0.7", "0.7", "1.4"],
    ]


def test_how_adam_leaves_the_solution():
    assert views.adam(DATA) == {
        "early": 100,
        "middle": 200,
        "best": 0.0004,
        "late_percentage": pytest.approx(50),
        "sgd_early": 5e-8,
        "accurate_early": 2,
        "convolution_visible": 2,
        "convolution_least": 0.009,
        "convolution_most": 0.06,
    }


def test_the_tables_by_number_of_points():
    assert views.condition_numbers(DATA["conditioning"]) == [
        ["25", "1.235e+05", "1.235", "61\u202f727", "70\u202f000", "20", "40"],
        ["50", "2e+06", "1.100", "999\u202f999", "80\u202f000", "30", "50"],
    ]
    assert views.sgd_steps(DATA["sgd_steps"]) == [
        ["25", "20 [-107, 147]", "21", "3", "0"],
        ["50", "100", "2\u202f100", "4", "2"],
    ]


@pytest.mark.parametrize("reduced", [False, True])
def test_the_sections_show_what_the_view_found(reduced):
    environment = Environment(loader=FileSystemLoader(Path(views.__file__).parent), undefined=StrictUndefined)
    environment.filters |= {"number": number, "series": str}
    section = environment.get_template("section.html.j2").render(
        view=views.view(DATA, CONFIG, {}),
        reduced=reduced,
        figure=lambda name, alt, caller: f"figure {name}: {alt} {caller()}",
        table=lambda caption, headings, rows: (
            f"{caption}: {len(headings)} columns, {[len(row) for row in rows]}"
        ),
        evidence=lambda anchor: f"evidence of {anchor}",
    )
    for text in (
        "10\u202f000 of them for training and 1\u202f000 for evaluation; 300 steps, 3 seeds",
        "figure curves: ",
        "one column for each of [100, 200, 300] steps",
        "Relative errors, median over seeds: 5 columns, [5, 5, 5, 5, 5, 5, 5]",
        "evidence of curves",
        "estimated from 10 to 2\u202f000 curves, 4 times each",
        "on 500 curves of the figure in batches of 20",
        "slope changes is 0.001; 2 seeds",
        "figure conditioning: ",
        "gradient descent: 7 columns, [7, 7]",
        "error of 0.001, mean over seeds [95 %]: 5 columns, [5, 5]",
        "evidence of conditioning",
    ):
        assert text in section
    for text in (
        "step size of 0.99",
        "once down to 0.0004, but at 50 % of all later evaluations",
        "median error of 5e-08 after 100 steps",
        "after 100 steps 2 of 3 preconditioned runs are below 0.001, and after 200 steps",
        "above 0.01 in 2 of 3, with errors from 0.009 to 0.06",
    ):
        assert (text in section) is not reduced
