"""The figures on curves, drawn from toy datasets: what their lines show."""

import numpy as np
import pytest

from gradient_failures.problems.curves.figures import conditioning as conditioning_figure
from gradient_failures.problems.curves.figures import curves as curves_figure
from gradient_failures.results import plotting
from gradient_failures.results.dataset import labelled

APPROACHES = ["linear", "convolutional", "preconditioned", "autoencoder"]
N = np.array([25, 100, 400])


def runs_of(approaches, seed):
    """A grid over ``approaches`` with 3 seeds, evaluations at 0, 100 and 200, and curves of 6 points."""
    rng = np.random.default_rng(seed)
    runs, examples = ("approach", "seed", "step"), ("approach", "seed", "snapshot", "example", "x")
    original, count = ("approach", "seed", "example", "x"), len(approaches)
    return labelled(
        {
            "decode_error": (runs, rng.random((count, 3, 3)), "decode error"),
            "kink_error": (runs, rng.random((count, 3, 3)), "kink error"),
            "example_curve": (original, rng.normal(size=(count, 3, 2, 6)), "curve"),
            "decoded_example": (examples, rng.normal(size=(count, 3, 2, 2, 6)), "decoded"),
        },
        {
            "approach": (approaches, "approach"),
            "seed": (range(3), "seed"),
            "step": ([0, 100, 200], "training steps"),
            "snapshot": ([100, 200], "training steps"),
            "example": ([1, 2], "example"),
            "x": (range(6), "point x"),
        },
    )


def shown(axes):
    """Label, x and y of each line."""
    return [(line.get_label(), *map(np.asarray, line.get_data())) for line in axes.get_lines()]


def assert_lines(axes, expected):
    """The lines are those ``expected``: a label, or None where there is to be none, x and y."""
    lines = shown(axes)
    assert [label if label[0] != "_" else None for label, *_ in lines] == [label for label, *_ in expected]
    for (label, x, y), (_, expected_x, expected_y) in zip(lines, expected, strict=True):
        np.testing.assert_allclose(x, expected_x, err_msg=label)
        np.testing.assert_allclose(y, expected_y, err_msg=label)


def runs_and_median(label, x, values):
    """The lines of ``values`` (seed, x): every run, and their median."""
    return [*((None, x, run) for run in values), (label, x, np.median(values, 0))]


@pytest.fixture
def grids():
    return {
        "curves": runs_of(APPROACHES, 0),
        "curves_linear_sgd": runs_of(["linear"], 1),
        "curves_linear_adagrad": runs_of(["linear"], 2),
        "curves_preconditioned_sgd": runs_of(["preconditioned"], 3),
    }


@pytest.fixture
def curves_panels(grids):
    published = {
        approach: {"a": [index / 10, 1.0], "b": [0.0, 1.0]} for index, approach in enumerate(APPROACHES)
    }
    with plotting.style():
        errors = {"steps": [100, 500], **published}
        return curves_figure.draw(**grids, published={"normalised_rms_error": errors}).get_axes()


def test_rows_of_approaches_and_columns_of_snapshots_show_the_examples(grids, curves_panels):
    curves, panels = grids["curves"], np.reshape(curves_panels[:8], (4, 2))
    for row, approach in zip(panels, APPROACHES, strict=True):
        assert row[0].get_ylabel() == approach
        for panel, snapshot in zip(row, [100, 200], strict=True):
            expected = []
            for example in (1, 2):
                at = curves.sel(approach=approach, example=example)
                decoded = at["decoded_example"].sel(snapshot=snapshot).transpose("seed", "x").values
                original = at["example_curve"].sel(seed=0)
                expected += [(None, range(6), y) for y in (original, decoded[1], decoded[2], decoded[0])]
            assert_lines(panel, expected)
    assert [panel.get_title("left") for panel in panels[0]] == ["after 100 steps", "after 200 steps"]


def test_the_errors_of_the_approaches_with_those_published_up_to_the_last_step(grids, curves_panels):
    panel, expected = curves_panels[8], []
    for index, approach in enumerate(APPROACHES):
        errors = grids["curves"]["decode_error"].sel(approach=approach).values[:, 1:]
        expected += runs_and_median(approach, [100, 200], errors)
        expected += [(None, [100], [max(index / 10, 1e-4)]), (None, [100], [1e-4])]
    assert_lines(panel, [*expected, ("published", [], [])])
    assert (panel.get_title("left"), panel.get_ylabel()) == ("Approaches", "decode error")
    assert panel.get_xlabel() == "training steps"
    colours = [line.get_color() for line in panel.get_lines()[:-1]]
    assert colours == [colour for colour, _ in curves_figure.STYLES.values() for _ in range(6)]


def test_the_errors_by_optimiser_come_each_from_its_own_grid(grids, curves_panels):
    expected = []
    for label, grid, approach in [
        ("linear, Adam", "curves", "linear"),
        ("linear, Adagrad", "curves_linear_adagrad", "linear"),
        ("linear, SGD", "curves_linear_sgd", "linear"),
        ("preconditioned, Adam", "curves", "preconditioned"),
        ("preconditioned, SGD", "curves_preconditioned_sgd", "preconditioned"),
    ]:
        errors = grids[grid]["kink_error"].sel(approach=approach).values[:, 1:]
        expected += runs_and_median(label, [100, 200], errors)
    panel = curves_panels[9]
    assert_lines(panel, expected)
    assert (panel.get_title("left"), panel.get_ylabel()) == ("Optimisers", "kink error")


@pytest.fixture
def sizes():
    rng = np.random.default_rng(4)
    linear, kinds = "n_points", ("curve_distribution", "n_points")
    return labelled(
        {
            "linear_condition_number": (linear, rng.uniform(10, 1000, 3), "κ"),
            "linear_over_law": (linear, rng.uniform(1, 2, 3), "over law"),
            "iterations_bound": (linear, rng.uniform(10, 1000, 3), "bound"),
            "iterations_needed": (("step_size", linear), rng.uniform(10, 1000, (2, 3)), "needed"),
            "filter_condition_number": (kinds, rng.uniform(10, 1000, (2, 3)), "κ(C)"),
            "preconditioned_condition_number": (
                (*kinds, "seed", "training_curves"),
                rng.uniform(1, 9, (2, 3, 3, 2)),
                "left",
            ),
        },
        {
            "n_points": (N, "points n"),
            "step_size": ([1.0, 2.0], "step size"),
            "curve_distribution": (["figure", "text"], "distribution"),
            "seed": (range(3), "seed"),
            "training_curves": ([10, 1000], "curves"),
        },
    )


@pytest.fixture
def steps():
    rng = np.random.default_rng(5)
    grid = ("n_points", "problem", "seed")
    censored = np.zeros((3, 2, 3), dtype=int)
    censored[2, 0, 1:] = 1
    return labelled(
        {
            "steps_needed": (grid, rng.uniform(10, 1000, (3, 2, 3)), "steps"),
            "censored": (grid, censored, "censored"),
            "predicted_steps": ("n_points", rng.uniform(10, 1000, 3), "predicted"),
        },
        {
            "n_points": (N, "points n"),
            "problem": (["convolutional", "preconditioned"], "problem"),
            "seed": (range(3), "seed"),
        },
    )


@pytest.fixture
def conditioning_panels(sizes, steps):
    with plotting.style():
        return conditioning_figure.draw(sizes, steps).get_axes()


def test_the_condition_numbers_with_their_laws_and_exponents(sizes, conditioning_panels):
    linear, convolutional, growth, preconditioned, descent, _ = conditioning_panels
    condition = sizes["linear_condition_number"].values
    figure, text = sizes["filter_condition_number"].values
    left = sizes["preconditioned_condition_number"].values
    assert_lines(
        linear,
        [
            ("law (4/β²)² n⁴", N, condition / sizes["linear_over_law"].values),
            ("n$^{3.5}$, the paper's bound", N, condition[0] * (N / 25) ** 3.5),
            ("κ(WᵀW)", N, condition),
        ],
    )
    assert_lines(
        convolutional,
        [
            ("κ(C), curves of the figure", N, figure),
            ("κ(C), curves of the text", N, text),
            ("slope of n³", N, text[0] / 100 * (N / 25) ** 3),
            ("after preconditioning", N, left[0, :, :, 1].mean(1)),
        ],
    )
    exponents = [np.log(values[1:] / values[:-1]) / np.log(4) for values in (condition, figure, text)]
    named = zip(["κ(WᵀW)", "κ(C), figure", "κ(C), text"], exponents, strict=True)
    assert_lines(
        growth,
        [
            *((label, [50, 200], exponent) for label, exponent in named),
            *((None, [0, 1], [level, level]) for level in (3.5, 3, 4)),
        ],
    )
    at = [10, 1000]
    assert_lines(
        preconditioned,
        [
            *runs_and_median("curves of the figure", at, left[0, 1] - 1),
            *runs_and_median("curves of the text", at, left[1, 1] - 1),
            ("1/√m", at, np.median(left[:, 1, :, 1] - 1) * np.array([10, 1])),
        ],
    )
    assert preconditioned.get_title("left") == "d  Preconditioned, n = 100"
    needed = sizes["iterations_needed"].values
    assert_lines(
        descent,
        [
            ("needed, step 1/λmax", N, needed[0]),
            ("needed, step 2/λmax", N, needed[1]),
            ("lower bound κ/2 - 1", N, sizes["iterations_bound"].values),
        ],
    )


def test_the_steps_of_sgd_with_the_largest_of_those_given_up(steps, conditioning_panels):
    panel = conditioning_panels[5]
    needed = steps["steps_needed"].values
    given_up = [np.nan, np.nan, needed[2, 0, 1:].max()]
    assert_lines(
        panel,
        [
            ("κ(C) ln(1/level)", N, steps["predicted_steps"].values),
            *runs_and_median("convolutional", N, needed[:, 0].T),
            ("some given up", N, given_up),
            *runs_and_median("preconditioned", N, needed[:, 1].T),
        ],
    )
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("points n", "steps")
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["25", "100", "400"]
