"""Judging: an estimate from toy runs, held against a criterion, and what is said of it."""

import json
import math
from itertools import permutations, product

import numpy as np
import pytest
import xarray as xr

from gradient_failures.claims.estimators import ESTIMATORS
from gradient_failures.claims.judge import Verdict, judge, meets, share_of_bound, summed_up
from gradient_failures.claims.model import Claim, Criterion
from gradient_failures.claims.text import describe, interval, number
from gradient_failures.results.runs import LAST_STEP
from gradient_failures.results.statistics import Estimate

REPRODUCED, PARTLY, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN = Verdict

CLAIM = {
    "problem": "toy",
    "id": "learnt",
    "statement": "It is learnt.",
    "source": "ours",
    "kind": "paper",
    "data": "runs",
    "estimator": "success_rate",
    "select": [{"dim": 5}],
    "options": {"level": 0.9},
    "criterion": {"at_least": 0.75},
    "why": "Most runs must get there.",
    "budget": {"steps": 1000, "seeds": 16},
}
CHANCE = {
    "estimator": "late_mean",
    "options": {"variable": "accuracy"},
    "criterion": {"within": [0.48, 0.52]},
}
SPEED = {"estimator": "first_passage", "criterion": {"contains": 300}}
SLOWER = {"estimator": "slower", "select": [{"dim": [5, 7]}, {"dim": [7, 9]}]}
EXACT = {
    "estimator": "largest",
    "options": {"variable": "error"},
    "criterion": {"at_most": 0.2},
    "budget": {},
}


def claim(**changes):
    """A claim about 16 runs of 1000 steps: that most reach accuracy 0.9 at dim 5."""
    return Claim(**(CLAIM | changes))


def runs(curve, dims=(5,), seeds=16, last=1000):
    """Runs whose accuracy is ``curve(dim, seed, step)``, evaluated every 100 steps."""
    step = np.arange(0, last + 1, 100)
    curves = [[np.broadcast_to(curve(dim, seed, step), step.shape) for seed in range(seeds)] for dim in dims]
    return xr.Dataset(
        {
            "accuracy": (("dim", "seed", "step"), np.array(curves, float)),
            LAST_STEP: (("dim", "seed"), np.full((len(dims), seeds), last)),
        },
        coords={"dim": list(dims), "seed": range(seeds), "step": step},
    )


def learns_at(passage):
    """A run at accuracy 1/2 until step ``passage(dim, seed)``, and at 1 from then on."""
    return lambda dim, seed, step: np.where(step >= passage(dim, seed), 1.0, 0.5)


ALL_LEARN = learns_at(lambda dim, seed: 100 + 100 * (seed % 5))
NONE_LEARNS = learns_at(lambda dim, seed: math.inf)


def at_chance(dim, seed, step):
    return 0.5 + 0.005 * (-1) ** seed


def estimate_of(data, name, cell, **options):
    return ESTIMATORS[name](data, cell, options)


def as_json(result):
    return json.loads(json.dumps(result.as_json(), allow_nan=False))


def test_every_estimator_computes_what_it_says():
    """On two dims, three seeds and five evaluations, against plain NumPy."""
    step, dims = np.array([0, 100, 200, 300, 400]), [5, 10]
    values = np.random.default_rng(3).uniform(0.1, 1, (2, 3, 5))
    final = values[..., -1]
    measured = np.random.default_rng(4).uniform(1, 2, (2, 3))
    data = xr.Dataset(
        {"accuracy": (("dim", "seed", "step"), values), "size": (("dim", "seed"), measured)},
        coords={"dim": dims, "seed": range(3), "step": step},
    )
    passage = np.array([[next(iter(step[run >= 0.8]), np.inf) for run in at_dim] for at_dim in values])
    assert np.isfinite(passage).any() and np.isinf(passage).any()
    middle = np.median(values[1].max(-1))
    later = [(b > a) + (b == a) / 2 for a, b in product(*passage)]
    one, pair = {"dim": 10}, {"dim": [5, 10]}
    expected = {
        "success_rate": (one, {"level": middle}, 2 / 3),
        "first_passage": (one, {"level": 0.8}, np.median(passage[1])),
        "slower": (pair, {"level": 0.8}, np.mean(later)),
        "ends_at_most": (
            one,
            {"variable": "accuracy", "level": final[1, 0]},
            (final[1] <= final[1, 0]).mean(),
        ),
        "late_mean": (one, {"variable": "accuracy"}, values[1, :, 3:].mean()),
        "final_mean": (one, {"variable": "accuracy"}, final[1].mean()),
        "mean_at": (one, {"variable": "accuracy", "step": 200}, values[1, :, 2].mean()),
        "final_gap": (pair, {"variable": "accuracy"}, (final[0] - final[1]).mean()),
        "final_ratio": (pair, {"variable": "accuracy"}, np.prod(final[0] / final[1]) ** (1 / 3)),
        "mean": (one, {"variable": "size"}, measured[1].mean()),
        "geometric_mean": (one, {"variable": "size"}, np.prod(measured[1]) ** (1 / 3)),
        "ratio": (pair, {"variable": "size"}, np.prod(measured[0] / measured[1]) ** (1 / 3)),
        "exponent": (pair, {"variable": "size"}, np.log2(measured[1] / measured[0]).mean()),
        "largest": (one, {"variable": "size"}, measured[1].max()),
    }
    for name, (_, options, _) in expected.items():
        assert list(ESTIMATORS[name].options.model_fields) == list(options), name
    found = {name: estimate_of(data, name, cell, **options) for name, (cell, options, _) in expected.items()}
    assert {name: one.value for name, one in found.items()} == pytest.approx(
        {name: value for name, (_, _, value) in expected.items()}
    )
    assert {name: one.n for name, one in found.items()} == dict.fromkeys(ESTIMATORS, 3)


def test_an_estimator_says_what_it_estimates_with_its_options():
    options = {"variable": "kink_error", "step": 500}
    assert ESTIMATORS["mean_at"].quantity(options) == "the mean kink error at step 500"


def test_slower_counts_pairs_and_a_run_that_never_arrives_is_slower_than_any_that_does():
    only_smallest = learns_at(lambda dim, seed: 400 if dim == 5 else math.inf)
    data = runs(only_smallest, dims=(5, 7, 9))
    assert estimate_of(data, "slower", {"dim": [5, 9]}, level=0.9).value == 1.0
    assert estimate_of(data, "slower", {"dim": [9, 5]}, level=0.9).value == 0.0
    assert estimate_of(data, "slower", {"dim": [7, 9]}, level=0.9).value == 0.5


def test_an_exponent_has_an_interval_over_seeds_and_is_a_point_without():
    needed = xr.DataArray([[2.0, 3.0], [16.0, 12.0]], dims=("n_points", "seed"))
    data = xr.Dataset({"needed": needed, "kappa": needed[:, 0]}, {"n_points": [50, 100], "seed": [0, 1]})
    cell = {"n_points": [50, 100]}
    found = estimate_of(data, "exponent", cell, variable="needed")
    assert (found.low < found.value < found.high, found.value, found.n) == (True, pytest.approx(2.5), 2)
    assert estimate_of(data, "exponent", cell, variable="kappa") == Estimate(3.0, 3.0, 3.0, 1)


def test_steps_after_the_end_of_the_longest_run_do_not_count():
    data = runs(ALL_LEARN, dims=(5, 7)).copy(deep=True)
    data[LAST_STEP].loc[{"dim": 5}] = 500
    data["accuracy"].loc[{"dim": 5, "step": slice(600, None)}] = np.nan
    data["accuracy"].loc[{"dim": 5, "step": 500}] = 0.7
    assert estimate_of(data, "final_mean", {"dim": 5}, variable="accuracy").value == pytest.approx(0.7)
    assert estimate_of(data, "final_gap", {"dim": [7, 5]}, variable="accuracy").value == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("changes", "good", "bad"),
    [({}, ALL_LEARN, NONE_LEARNS), (CHANCE, at_chance, ALL_LEARN)],
)
@pytest.mark.parametrize(
    ("size", "short"),
    [
        ({"last": 900}, "900 of 1000 steps"),
        ({"seeds": 15}, "15 of 16 seeds"),
        ({"last": 900, "seeds": 15}, "900 of 1000 steps, 15 of 16 seeds"),
    ],
)
def test_a_smaller_run_is_marked_and_judges_only_where_the_claim_allows_it(changes, good, bad, size, short):
    for run, verdict in ((good, REPRODUCED), (bad, NOT_REPRODUCED)):
        result = judge(claim(**changes), runs(run, **size))
        assert (result.verdict, result.reduced) == (INCONCLUSIVE, True)
        assert result.reason.startswith(f"too small a run to judge ({short}): ")
        result = judge(claim(**changes, reduced_may_judge=True), runs(run, **size))
        assert (result.verdict, result.reduced) == (verdict, True)


def test_a_larger_run_judges_too():
    result = judge(claim(), runs(ALL_LEARN, seeds=20, last=1200))
    assert (result.verdict, result.reduced) == (REPRODUCED, False)


def test_of_runs_with_different_ends_only_those_that_are_judged_count_for_the_budget():
    data = runs(ALL_LEARN, dims=(5, 7)).copy(deep=True)
    data[LAST_STEP].loc[{"dim": 7, "seed": 3}] = 500
    assert not judge(claim(), data).reduced
    assert "500 of 1000 steps" in judge(claim(select=[{"dim": 5}, {"dim": 7}]), data).reason


def test_a_claim_without_its_data_is_not_run():
    result = judge(claim(), None)
    assert (result.verdict, result.reduced, result.cells) == (NOT_RUN, False, [])
    assert result.reason == "runs is not part of this run"
    assert as_json(result)["tightest"] is None


@pytest.mark.parametrize(
    "changes", [{"select": [{"dim": 5}, {"dim": 11}]}, {**SLOWER, "select": [{"dim": [5, 11]}]}]
)
def test_a_claim_with_a_cell_missing_is_not_run(changes):
    result = judge(claim(**changes), runs(ALL_LEARN))
    assert (result.verdict, result.cells, result.reason) == (NOT_RUN, [], "not part of this run: dim = 11")


def test_the_mean_at_a_step_that_was_not_evaluated_is_not_run():
    result = judge(claim(estimator="mean_at", options={"variable": "accuracy", "step": 150}), runs(ALL_LEARN))
    assert (result.verdict, result.reason) == (NOT_RUN, "not part of this run: step 150")


def test_one_success_in_sixteen_leaves_a_failure_undecided():
    one = learns_at(lambda dim, seed: 100 if seed == 3 else math.inf)
    result = judge(claim(criterion={"at_most": 0.25}), runs(one))
    assert (result.verdict, result.cells[0].estimate.value) == (INCONCLUSIVE, 1 / 16)


def test_a_success_counts_even_if_it_is_lost_again():
    data = runs(ALL_LEARN)
    data["accuracy"][..., -1] = 0.5
    assert judge(claim(), data).verdict == REPRODUCED


def test_a_diverged_run_learns_nothing_ends_at_no_level_and_leaves_a_mean_undecided():
    data = runs(at_chance)
    data["accuracy"][:, 0, 5:] = np.nan
    assert estimate_of(data, "success_rate", {"dim": 5}, level=0.4).value == 1
    assert estimate_of(data.isel(step=slice(5, None)), "success_rate", {"dim": 5}, level=0.4).value == 15 / 16
    assert estimate_of(data, "ends_at_most", {"dim": 5}, variable="accuracy", level=0.9).value == 15 / 16
    result = judge(claim(**CHANCE), data)
    assert (result.verdict, as_json(result)["cells"][0]["measured"]) == (INCONCLUSIVE, "undefined, n = 16")


def test_data_that_cover_less_than_the_claim_is_about_are_reduced():
    data = xr.Dataset({"error": ("dim", [0.1, 0.0])}, coords={"dim": [1, 2]})
    wide = claim(**EXACT | {"select": [{}], "budget": {"covers": {"dim": [1, 2, 3, 4]}}})
    result = judge(wide, data)
    assert (result.verdict, result.reduced) == (INCONCLUSIVE, True)
    assert result.reason.startswith("too small a run to judge (without dim 3, 4): the largest error is 0.1")
    result = judge(wide.model_copy(update={"reduced_may_judge": True}), data)
    assert (result.verdict, result.reduced) == (REPRODUCED, True)


def test_an_empty_cell_is_all_data():
    data = xr.Dataset({"error": ("dim", [0.0, 0.0])}, coords={"dim": [1, 2]})
    assert judge(claim(**EXACT | {"select": [{}]}), data).verdict == REPRODUCED
    data["error"][1] = 0.5
    assert judge(claim(**EXACT | {"select": [{}]}), data).verdict == NOT_REPRODUCED


@pytest.mark.parametrize(
    ("criterion", "low", "high", "verdict"),
    [
        ({"at_least": 0.75}, 0.80, 1.00, REPRODUCED),
        ({"at_least": 0.75}, 0.75, 1.00, REPRODUCED),
        ({"at_least": 0.75}, 0.74, 1.00, INCONCLUSIVE),
        ({"at_least": 0.75}, 0.20, 0.75, INCONCLUSIVE),
        ({"at_least": 0.75}, 0.20, 0.74, NOT_REPRODUCED),
        ({"at_least": 0.75}, -math.inf, math.inf, INCONCLUSIVE),
        ({"at_most": 0}, 0.0, 0.0, REPRODUCED),
        ({"at_most": 0}, 0.1, 0.1, NOT_REPRODUCED),
        ({"at_most": 0}, 0.0, 0.1, INCONCLUSIVE),
        ({"at_most": -1.5}, -3.0, -2.0, REPRODUCED),
        ({"within": [0.48, 0.52]}, 0.48, 0.52, REPRODUCED),
        ({"within": [0.48, 0.52]}, 0.47, 0.51, INCONCLUSIVE),
        ({"within": [0.48, 0.52]}, 0.49, 0.53, INCONCLUSIVE),
        ({"within": [0.48, 0.52]}, 0.40, 0.60, INCONCLUSIVE),
        ({"within": [0.48, 0.52]}, 0.53, 0.60, NOT_REPRODUCED),
        ({"within": [0.48, 0.52]}, 0.30, 0.47, NOT_REPRODUCED),
        ({"contains": 2110}, 2000, 3000, REPRODUCED),
        ({"contains": 2110}, 2110, 2110, REPRODUCED),
        ({"contains": 2110}, 2000, math.inf, REPRODUCED),
        ({"contains": 2110}, 2111, math.inf, NOT_REPRODUCED),
        ({"contains": 2110}, 100, 2109, NOT_REPRODUCED),
        ({"contains": 2110}, math.inf, math.inf, NOT_REPRODUCED),
        ({"contains": 0}, 0.1, 0.2, NOT_REPRODUCED),
    ],
)
def test_an_interval_is_held_against_a_criterion(criterion, low, high, verdict):
    assert meets(Estimate(low, low, high, 16), Criterion(**criterion)) == verdict


def test_a_value_that_is_not_a_number_decides_nothing():
    for criterion in ({"at_least": 0.75}, {"contains": 1.0}, {"within": [0.0, 1.0]}):
        assert meets(Estimate(math.nan, math.nan, math.nan, 16), Criterion(**criterion)) == INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdicts", "claim_verdict"),
    [
        ({REPRODUCED}, REPRODUCED),
        ({NOT_REPRODUCED}, NOT_REPRODUCED),
        ({INCONCLUSIVE}, INCONCLUSIVE),
        ({REPRODUCED, INCONCLUSIVE}, INCONCLUSIVE),
        ({REPRODUCED, NOT_REPRODUCED}, PARTLY),
        ({NOT_REPRODUCED, INCONCLUSIVE}, NOT_REPRODUCED),
        ({REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE}, PARTLY),
    ],
)
def test_the_cells_are_summed_up(verdicts, claim_verdict):
    for order in permutations([*verdicts, *verdicts]):
        assert summed_up(list(order)) == claim_verdict


def test_a_result_has_all_words_that_are_said_of_it():
    data = runs(lambda dim, seed, step: 0.5 + (dim == 7) * 0.015 + 0.005 * (-1) ** seed, dims=(5, 7))
    document = as_json(judge(claim(**CHANCE, select=[{"dim": 5}, {"dim": 7}]), data))
    said = "the mean accuracy over the last quarter of training"
    assert document["claim"]["estimator"] == "late_mean"
    assert (document["quantity"], document["criterion_in_words"]) == (said, "between 0.48 and 0.52")
    first, second = document["cells"]
    assert (first["cell"], first["measured"], first["verdict"]) == (
        "dim 5",
        "0.5000 [0.4972, 0.5028], n = 16",
        REPRODUCED,
    )
    assert (
        first["reason"] == f"{said} at dim 5 is 0.5000 [0.4972, 0.5028], which meets “between 0.48 and 0.52”"
    )
    assert document["reason"] == f"{first['reason']}; {second['reason']}"
    assert (first["share"], second["share"]) == (pytest.approx(0.14, abs=0.01), pytest.approx(0.89, abs=0.01))
    assert document["tightest"] == 1


def test_infinite_numbers_are_said_in_words_and_null_in_json():
    document = as_json(judge(claim(**SPEED), runs(NONE_LEARNS)))
    assert document["verdict"] == NOT_REPRODUCED
    assert document["cells"][0]["estimate"] == {"value": None, "low": None, "high": None, "n": 16}
    assert document["cells"][0]["measured"] == "never, n = 16"
    assert "is never, which misses" in document["reason"]
    single = as_json(judge(claim(**CHANCE), runs(at_chance, seeds=1)))["cells"][0]
    assert single["estimate"] == {"value": pytest.approx(0.505), "low": None, "high": None, "n": 1}
    assert (single["measured"], single["share"]) == ("0.505 [-∞, ∞], n = 1", None)


def test_the_number_of_runs_is_told_where_there_are_some():
    data = xr.Dataset({"error": ("dim", [0.125])}, coords={"dim": [5]})
    assert judge(claim(**EXACT), data).cells[0].measured == "0.125"
    seeds = data.expand_dims(seed=[0, 1])
    assert judge(claim(**EXACT | {"budget": {"seeds": 2}}), seeds).cells[0].measured == "0.125, n = 2"
    assert judge(claim(**SPEED), runs(ALL_LEARN)).cells[0].measured == "300 [100, 500], n = 16"


def test_a_cell_is_named_by_its_axes():
    data = runs(at_chance, dims=(5, 7, 9)).expand_dims(network_size=["10d", "40d"])
    cells = [{"dim": 5, "network_size": size} for size in ("10d", "40d")]
    labels = [cell.cell for cell in judge(claim(select=cells), data).cells]
    assert labels == ["dim 5, network size 10d", "dim 5, network size 40d"]
    assert [cell.cell for cell in judge(claim(**SLOWER), runs(at_chance, dims=(5, 7, 9))).cells] == [
        "dim 5 and 7",
        "dim 7 and 9",
    ]


@pytest.mark.parametrize(
    ("criterion", "low", "high", "share"),
    [
        ({"at_most": 2}, 0.1, 0.5, 0.25),
        ({"at_most": 2}, 0.1, 3, 1.5),
        ({"at_most": 2}, -3, -2, 0),
        ({"at_most": -0.5}, -3, -2, 0.25),
        ({"at_most": -0.5}, -3, -0.25, 2),
        ({"at_most": -0.5}, -3, 0.1, math.inf),
        ({"at_least": 3}, 4, 9, 0.75),
        ({"at_least": 3}, -1, 9, math.inf),
        ({"at_least": -0.1}, -0.05, 3, 0.5),
        ({"within": [0.9, 1.1]}, 0.98, 1.05, 0.5),
        ({"within": [0.9, 1.1]}, 0.85, 1.05, 1.5),
        ({"at_most": 0}, -1, 0, math.nan),
        ({"contains": 3}, 2, 5, math.nan),
        ({"at_most": 2}, 0.1, math.inf, math.nan),
        ({"at_least": 2}, -math.inf, 1, math.nan),
    ],
)
def test_the_share_of_what_a_criterion_allows(criterion, low, high, share):
    estimate, held = Estimate(1.0, low, high, 5), Criterion(**criterion)
    assert share_of_bound(estimate, held) == pytest.approx(share, nan_ok=True)
    if math.isfinite(share):
        assert (meets(estimate, held) == REPRODUCED) == (share <= 1)


@pytest.mark.parametrize(
    ("errors", "tightest"),
    [([0.02, math.inf, 0.06, 0.04], 2), ([math.nan, math.nan, math.inf], 0), ([0.1, 0.1], 0)],
)
def test_the_tightest_cell_is_the_first_with_the_largest_share(errors, tightest):
    dims = list(range(len(errors)))
    data = xr.Dataset({"error": ("dim", errors)}, coords={"dim": dims})
    document = as_json(judge(claim(**EXACT | {"select": [{"dim": dim} for dim in dims]}), data))
    assert document["tightest"] == tightest
    shares = [error / 0.2 if math.isfinite(error) else None for error in errors]
    assert [cell["share"] for cell in document["cells"]] == shares


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1.0, "1"),
        (2110, "2\u202f110"),
        (19350.0, "19\u202f350"),
        (0.123456, "0.123"),
        (1234.56, "1\u202f235"),
        (-0.5, "-0.5"),
        (0.99991, "0.99991"),
        (1.00012, "1.0001"),
        (math.nan, "undefined"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_read_well(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("low", "value", "high", "text"),
    [
        (0.8062, 1, 1, "1.00 [0.81, 1.00]"),
        (0.499637, 0.500055, 0.500471, "0.50006 [0.49964, 0.50047]"),
        (100, 1100, 5400, "1\u202f100 [100, 5\u202f400]"),
        (3.2, 14.1, 25.5, "14.1 [3.2, 25.5]"),
        (0.75, 0.75, 0.75, "0.75"),
        (400, math.inf, math.inf, "∞ [400, ∞]"),
        (-math.inf, 0.505, math.inf, "0.505 [-∞, ∞]"),
        (math.nan, math.nan, math.nan, "undefined"),
        (-0.99996, -0.99995, -0.99994, "-0.999950 [-0.999960, -0.999940]"),
        (1.5e-8, 5.5e-8, 9.6e-8, "5.5e-08 [1.5e-08, 9.6e-08]"),
        (1.6e-6, 4.4e-6, 1.3e-3, "4.4e-06 [1.6e-06, 0.0013]"),
        (-0.4, 0.0, 0.4, "0.00 [-0.40, 0.40]"),
        (2e-4, 4e-4, 6e-4, "0.00040 [0.00020, 0.00060]"),
        (1.12e-30, 4.88, 2.13e31, "4.88 [1.12e-30, 2.13e+31]"),
    ],
)
def test_an_interval_shows_two_digits_of_its_width(low, value, high, text):
    assert interval(Estimate(value, low, high, 16)) == text


@pytest.mark.parametrize(
    ("criterion", "text"),
    [
        ({"at_least": 0.75}, "at least 0.75"),
        ({"at_most": 0}, "at most 0"),
        ({"at_most": 0.25}, "at most 0.25"),
        ({"within": [0.48, 0.52]}, "between 0.48 and 0.52"),
        ({"contains": 2110}, "range holds 2\u202f110"),
    ],
)
def test_a_criterion_reads_well(criterion, text):
    assert describe(Criterion(**criterion)) == text
