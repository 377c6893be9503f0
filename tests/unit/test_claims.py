"""Judging: every claim of the paper must be able to come out both ways, and say when it cannot tell."""

import json
import math
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from gradient_failures import measures, statistics
from gradient_failures.claims import Verdict, judge, meets, summed_up
from gradient_failures.config.claims import PAIRED, Claim, Criterion, Options, validated_claims
from gradient_failures.dataset import LAST_STEP
from gradient_failures.statistics import Estimate
from gradient_failures.wording import describe, interval, number

REPRODUCED, PARTLY, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN = Verdict

FILE = Path(__file__).parents[2] / "config/claims.yaml"
CLAIMS = validated_claims(yaml.safe_load(FILE.read_text(encoding="utf-8")))
EVERY = 100


def learns_at(passage):
    """A run at accuracy 1/2 until step ``passage(claim, cell, seed)`` and at 1 from then on."""
    return lambda claim, cell, seed, step: np.where(step >= passage(claim, cell, seed), 1.0, 0.5)


def stays_at(level):
    """A run at accuracy ``level(claim)`` plus or minus half a per cent by seed."""
    return lambda claim, cell, seed, step: np.full(step.size, level(claim) + 0.005 * (-1) ** seed)


def only_at_the_step(level):
    """As :func:`stays_at`, at the step of the claim; elsewhere a value that would refute any claim."""

    def run(claim, cell, seed, step):
        return np.where(step == claim.options.step, stays_at(level)(claim, cell, seed, step), np.nan)

    return run


def apart_by(gap):
    """Runs of the first of a pair are ``gap(claim, seed)`` above those of the second."""
    return lambda claim, cell, seed, step: np.full(step.size, seed - rank(claim, cell) * gap(claim, seed))


def in_ratio(ratio):
    """Runs of the first of a pair are ``ratio(claim, seed)`` times those of the second."""
    return lambda claim, cell, seed, step: np.full(
        step.size, (1 + seed) * ratio(claim, seed) ** (leads(claim, cell))
    )


def grows_with(exponent):
    """Runs whose value grows with n to the power of ``exponent(claim, seed)``."""
    return lambda claim, cell, seed, step: np.full(
        step.size, float(cell["n_points"]) ** exponent(claim, seed)
    )


def stays_near(level):
    """A run at ``level(claim)`` plus or minus five per cent of it by seed."""
    return lambda claim, cell, seed, step: np.full(step.size, level(claim) * (1 + 0.05 * (-1) ** seed))


def leads(claim, cell):
    """Whether the cell is the first of some pair of the claim."""
    pairs = [
        (axis, values) for cell in claim.select for axis, values in cell.items() if isinstance(values, list)
    ]
    return any(cell[axis] == values[0] for axis, values in pairs)


def rank(claim, cell):
    """Position of the cell on the first axis of the claim."""
    axis, values = next(iter(axes_of(claim).items()))
    return values.index(cell[axis])


def share_learns(claim, seed):
    bound = claim.criterion.at_least if claim.criterion.at_most is None else claim.criterion.at_most
    return seed < bound * claim.budget.seeds


def around(run, bound, by):
    """Runs at ``by`` on the good side of a bound of the criterion, at ``by`` on the bad one, and at it."""
    inward = {"at_least": by, "at_most": -by}[bound]
    return tuple(
        run(lambda claim, shift=shift: getattr(claim.criterion, bound) + shift)
        for shift in (inward, -inward, 0)
    )


EARLY = learns_at(lambda claim, cell, seed: 1000 + 200 * seed)
NEVER = learns_at(lambda claim, cell, seed: math.inf)
CHANCE = stays_at(lambda claim: 0.5)
SOME = learns_at(lambda claim, cell, seed: 1000 if share_learns(claim, seed) else math.inf)

# What runs must do to meet the criterion, to miss it, and to straddle it.
RUNS = {
    ("success_rate", "at_least"): (EARLY, NEVER, SOME),
    ("success_rate", "at_most"): (NEVER, EARLY, SOME),
    ("mean", "within"): (
        stays_at(lambda claim: np.mean(claim.criterion.within)),
        stays_at(lambda claim: claim.criterion.within[1] + 0.1),
        stays_at(lambda claim: claim.criterion.within[1]),
    ),
    ("mean", "at_most"): around(stays_at, "at_most", 0.02),
    ("geometric_mean", "at_most"): (
        stays_near(lambda claim: claim.criterion.at_most / 2),
        stays_near(lambda claim: claim.criterion.at_most * 2),
        stays_near(lambda claim: claim.criterion.at_most),
    ),
    ("ratio", "within"): (
        in_ratio(lambda claim, seed: np.mean(claim.criterion.within)),
        in_ratio(lambda claim, seed: claim.criterion.within[0] / 1.1),
        in_ratio(lambda claim, seed: claim.criterion.within[1] * 1.1 ** (-1) ** seed),
    ),
    ("ratio", "at_least"): (
        in_ratio(lambda claim, seed: claim.criterion.at_least * 1.1),
        in_ratio(lambda claim, seed: claim.criterion.at_least / 1.1),
        in_ratio(lambda claim, seed: claim.criterion.at_least * 1.1 ** (-1) ** seed),
    ),
    ("ratio", "at_most"): (
        in_ratio(lambda claim, seed: claim.criterion.at_most / 1.1),
        in_ratio(lambda claim, seed: claim.criterion.at_most * 1.1),
        in_ratio(lambda claim, seed: claim.criterion.at_most * 1.1 ** (-1) ** seed),
    ),
    ("late_mean", "within"): (CHANCE, EARLY, stays_at(lambda claim: claim.criterion.within[1])),
    ("late_mean", "at_least"): around(stays_at, "at_least", 0.02),
    ("final_mean", "at_most"): around(stays_at, "at_most", 0.01),
    ("final_mean", "at_least"): around(stays_at, "at_least", 0.01),
    ("ends_at_most", "at_most"): (
        stays_at(lambda claim: claim.options.level + 0.01),
        stays_at(lambda claim: claim.options.level - 0.01),
        lambda claim, cell, seed, step: np.where(
            step < step[-1], 0.0, claim.options.level + (0.01, -0.01)[share_learns(claim, seed)]
        ),
    ),
    ("final_gap", "at_most"): (
        apart_by(lambda claim, seed: claim.criterion.at_most - 0.1),
        apart_by(lambda claim, seed: claim.criterion.at_most + 0.1),
        apart_by(lambda claim, seed: claim.criterion.at_most + 0.1 * (-1) ** seed),
    ),
    ("final_gap", "at_least"): (
        apart_by(lambda claim, seed: claim.criterion.at_least + 0.1),
        apart_by(lambda claim, seed: claim.criterion.at_least - 0.1),
        apart_by(lambda claim, seed: claim.criterion.at_least + 0.1 * (-1) ** seed),
    ),
    ("mean_at", "at_most"): around(only_at_the_step, "at_most", 0.01),
    ("mean_at", "at_least"): around(only_at_the_step, "at_least", 0.01),
    ("final_ratio", "at_least"): (
        in_ratio(lambda claim, seed: claim.criterion.at_least * 1.1),
        in_ratio(lambda claim, seed: claim.criterion.at_least / 1.1),
        in_ratio(lambda claim, seed: claim.criterion.at_least * 1.1 ** (-1) ** seed),
    ),
    ("slower", "at_least"): (
        learns_at(lambda claim, cell, seed: 8000 * (1 + rank(claim, cell)) + 200 * seed),
        learns_at(lambda claim, cell, seed: 8000 * (5 - rank(claim, cell)) + 200 * seed),
        learns_at(lambda claim, cell, seed: 1000 if seed % 2 else 8000 * (1 + rank(claim, cell))),
    ),
    ("first_passage", "contains"): (
        learns_at(lambda claim, cell, seed: claim.criterion.contains * (0.5 + seed / 10)),
        learns_at(lambda claim, cell, seed: claim.criterion.contains * 2 + 200 * seed),
        None,
    ),
    ("exponent", "at_least"): (
        grows_with(lambda claim, seed: claim.criterion.at_least + 0.1 + 0.01 * seed),
        grows_with(lambda claim, seed: claim.criterion.at_least - 0.1 - 0.01 * seed),
        grows_with(lambda claim, seed: claim.criterion.at_least + 0.1 * (-1) ** seed),
    ),
    ("exponent", "within"): (
        grows_with(lambda claim, seed: np.mean(claim.criterion.within) + 0.01 * (-1) ** seed),
        grows_with(lambda claim, seed: claim.criterion.within[1] + 0.1 + 0.01 * (-1) ** seed),
        grows_with(lambda claim, seed: claim.criterion.within[1] + 0.1 * (-1) ** seed),
    ),
    ("largest", "at_least"): (
        lambda claim, cell, seed, step: np.full(step.size, claim.criterion.at_least),
        lambda claim, cell, seed, step: np.full(step.size, claim.criterion.at_least - 0.25),
        None,
    ),
    ("largest", "at_most"): (
        lambda claim, cell, seed, step: np.full(step.size, claim.criterion.at_most),
        lambda claim, cell, seed, step: claim.criterion.at_most + (step == 0) * 0.25,
        None,
    ),
    ("largest", "within"): (
        lambda claim, cell, seed, step: np.full(step.size, np.mean(claim.criterion.within)),
        lambda claim, cell, seed, step: np.full(step.size, claim.criterion.within[0] * 0.999),
        None,
    ),
}


def runs_for(claim):
    """Runs that meet the claim, that miss it, and that straddle; an exact value straddles nothing."""
    (criterion,) = claim.criterion.model_dump(exclude_none=True)
    good, bad, unclear = RUNS[claim.metric, criterion]
    return good, bad, unclear if claim.budget.seeds else None


def axes_of(claim):
    axes = {}
    for cell in claim.select:
        for axis, value in cell.items():
            known = axes.setdefault(axis, [])
            known += [item for item in (value if isinstance(value, list) else [value]) if item not in known]
    return axes


def data_for(claim, run, steps=None, seeds=None):
    """A dataset at the budget of ``claim``, over its cells, in which ``run`` gives each curve."""
    axes = axes_of(claim) | claim.budget.covers
    seeds = seeds or claim.budget.seeds or 1
    step = np.arange(0, (steps or claim.budget.steps) + 1, EVERY)
    cells = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    curves = np.array([[run(claim, cell, seed, step) for seed in range(seeds)] for cell in cells])
    shape = [*map(len, axes.values()), seeds, step.size]
    data = xr.Dataset(
        {
            claim.options.variable or "accuracy": ((*axes, "seed", "step"), curves.reshape(shape)),
            LAST_STEP: ((*axes, "seed"), np.full(shape[:-1], step[-1])),
        },
        coords={**axes, "seed": range(seeds), "step": step},
    )
    data = data if claim.budget.steps else data.drop_vars(LAST_STEP).isel(step=0, drop=True)
    return data if claim.budget.seeds else data.isel(seed=0, drop=True)


def named(name):
    (claim,) = (claim for claim in CLAIMS if claim.id == name)
    return claim


each_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
each_trained_claim = pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMS if claim.budget.steps], ids=lambda claim: claim.id
)


@each_claim
def test_a_claim_is_reproduced_by_runs_that_meet_it(claim):
    good, _, _ = runs_for(claim)
    result = judge(claim, data_for(claim, good))
    assert (result.verdict, result.reduced) == (REPRODUCED, False)
    assert len(result.cells) == len(claim.select)
    assert "meets" in result.reason


@each_claim
def test_a_claim_is_refuted_by_runs_that_miss_it(claim):
    _, bad, _ = runs_for(claim)
    result = judge(claim, data_for(claim, bad))
    assert (result.verdict, result.reduced) == (NOT_REPRODUCED, False)
    assert {cell.verdict for cell in result.cells} == {NOT_REPRODUCED}
    assert "misses" in result.reason


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMS if runs_for(claim)[2]], ids=lambda claim: claim.id
)
def test_a_claim_is_undecided_by_runs_whose_interval_straddles(claim):
    _, _, unclear = runs_for(claim)
    result = judge(claim, data_for(claim, unclear))
    assert (result.verdict, result.reduced) == (INCONCLUSIVE, False)
    assert "straddles" in result.reason


@pytest.mark.parametrize(
    "claim",
    [claim for claim in CLAIMS if len(claim.select) > 1 and claim.metric not in PAIRED],
    ids=lambda claim: claim.id,
)
def test_one_cell_that_misses_makes_a_claim_partly_reproduced(claim):
    good, bad, _ = runs_for(claim)

    def mixed(claim, cell, seed, step):
        in_last = claim.select[-1].items() <= cell.items()
        return (bad if in_last else good)(claim, cell, seed, step)

    result = judge(claim, data_for(claim, mixed))
    assert result.verdict == PARTLY
    *others, last = [cell.verdict for cell in result.cells]
    assert (set(others), last) == ({REPRODUCED}, NOT_REPRODUCED)


@each_trained_claim
@pytest.mark.parametrize(("short_of", "by"), [("steps", EVERY), ("seeds", 1)])
def test_a_smaller_run_decides_nothing_and_is_marked_reduced(claim, short_of, by):
    good, _, _ = runs_for(claim)
    wanted = getattr(claim.budget, short_of)
    result = judge(claim, data_for(claim, good, **{short_of: wanted - by}))
    assert (result.verdict, result.reduced) == (INCONCLUSIVE, True)
    assert f"{wanted - by} of {wanted} {short_of}" in result.reason


@each_trained_claim
def test_a_smaller_run_may_judge_where_the_claim_allows_it(claim):
    good, bad, _ = runs_for(claim)
    lenient = claim.model_copy(update={"reduced_may_judge": True})
    for run, verdict in ((good, REPRODUCED), (bad, NOT_REPRODUCED)):
        result = judge(lenient, data_for(claim, run, steps=claim.budget.steps - EVERY))
        assert (result.verdict, result.reduced) == (verdict, True)


@each_trained_claim
def test_a_larger_run_judges_too(claim):
    good, _, _ = runs_for(claim)
    result = judge(claim, data_for(claim, good, seeds=claim.budget.seeds + 2))
    assert (result.verdict, result.reduced) == (REPRODUCED, False)


@each_claim
def test_a_claim_without_its_data_is_not_run(claim):
    result = judge(claim, None)
    assert (result.verdict, result.reduced, result.cells) == (NOT_RUN, False, [])
    assert claim.data in result.reason


@each_claim
def test_a_claim_with_a_cell_missing_is_not_run(claim):
    good, _, _ = runs_for(claim)
    full = data_for(claim, good)
    for axis in axes_of(claim):
        missing = full[axis].values[-1]
        result = judge(claim, full.sel({axis: full[axis] != missing}))
        assert (result.verdict, result.cells) == (NOT_RUN, [])
        assert f"{axis} = {missing}" in result.reason


def test_one_success_in_sixteen_leaves_the_failure_at_30_bits_undecided():
    claim = named("parity-d30-not-learnt")
    one = learns_at(lambda claim, cell, seed: 1000 if seed == 3 else math.inf)
    result = judge(claim, data_for(claim, one))
    assert result.verdict == INCONCLUSIVE
    assert result.cells[0].estimate.value == 1 / 16


def test_a_success_counts_even_if_it_is_lost_again():
    claim = named("parity-d5-learnt")
    data = data_for(claim, EARLY)
    data["accuracy"][..., -1] = 0.5
    assert judge(claim, data).verdict == REPRODUCED


def with_diverged_run(claim, run):
    data = data_for(claim, run)
    data[claim.options.variable or "accuracy"][..., 0, 5:] = np.nan
    return data


def test_a_diverged_run_counts_as_one_that_does_not_learn():
    claim = named("parity-d5-learnt")
    result = judge(claim, with_diverged_run(claim, EARLY))
    assert result.cells[0].estimate.value == 15 / 16


def test_a_diverged_run_leaves_a_late_mean_undecided():
    claim = named("parity-d30-at-chance")
    result = judge(claim, with_diverged_run(claim, CHANCE))
    assert result.verdict == INCONCLUSIVE
    json.dumps(result.as_json(), allow_nan=False)


def test_a_diverged_run_ends_at_no_level():
    claim = named("steps-approximation-fails")
    result = judge(claim, with_diverged_run(claim, RUNS["ends_at_most", "at_most"][1]))
    assert result.cells[0].estimate.value == 15 / 16


def test_slower_is_the_share_of_pairs_in_which_the_second_value_takes_longer():
    claim = named("parity-harder-with-dimension")
    data = data_for(claim, RUNS["slower", "at_least"][2])
    level = claim.options.level
    fast, slow = (statistics.first_passage(data["accuracy"].sel(dim=dim), level).values for dim in (5, 10))
    pairs = [1.0 if b > a else 0.5 if b == a else 0.0 for a, b in product(fast, slow)]
    estimate = measures.slower(data, {"dim": [5, 10]}, level=level)
    assert estimate.value == pytest.approx(np.mean(pairs))
    assert estimate.value > 0.5
    opposite = measures.slower(data, {"dim": [10, 5]}, level=level)
    assert opposite.value == pytest.approx(1 - estimate.value)


def test_the_mean_at_a_step_that_was_not_evaluated_is_not_run():
    claim = named("curves-preconditioned-fast")
    result = judge(claim, data_for(claim, CHANCE).sel(step=slice(600, None)))
    assert result.verdict == NOT_RUN
    assert "step 500" in result.reason


def test_largest_is_the_largest_value_of_the_cell():
    rates = xr.DataArray([[0.1, 0.3, 0.2], [0.9, 0.0, 0.0]], dims=("construction", "dim"))
    data = xr.Dataset({"error_rate": rates}, coords={"construction": ["corrected", "published"]})
    estimate = measures.largest(data, {"construction": "corrected"}, variable="error_rate")
    assert estimate == Estimate(0.3, 0.3, 0.3, 3)


def test_an_exponent_is_the_slope_between_two_points_of_logarithmic_axes():
    needed = xr.DataArray([[2.0, 3.0], [16.0, 24.0]], dims=("n_points", "seed"))
    data = xr.Dataset({"needed": needed}, coords={"n_points": [50, 100], "seed": [0, 1]})
    exponent = measures.exponent(data, {"n_points": [50, 100]}, variable="needed")
    assert (exponent.value, exponent.n) == (pytest.approx(3), 2)
    data["needed"][1, 1] = 12.0
    exponent = measures.exponent(data, {"n_points": [50, 100]}, variable="needed")
    assert (exponent.low < exponent.value < exponent.high, exponent.value) == (True, pytest.approx(2.5))


def test_the_exponent_of_an_exact_variable_is_a_point():
    data = xr.Dataset({"kappa": ("n_points", [1.0, 9.0])}, coords={"n_points": [10, 30]})
    exponent = measures.exponent(data, {"n_points": [10, 30]}, variable="kappa")
    assert (exponent.value, exponent.low, exponent.high) == (pytest.approx(2), exponent.value, exponent.value)


def test_runs_that_never_arrive_are_slower_than_any_that_do():
    claim = named("parity-harder-with-dimension")
    only_smallest = learns_at(lambda claim, cell, seed: 40_000 if cell["dim"] == 5 else math.inf)
    data = data_for(claim, only_smallest)
    assert measures.slower(data, {"dim": [5, 30]}, level=0.9).value == 1.0
    assert measures.slower(data, {"dim": [10, 30]}, level=0.9).value == 0.5


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


@each_claim
def test_a_result_is_plain_json(claim):
    for run in filter(None, runs_for(claim)):
        document = json.loads(json.dumps(judge(claim, data_for(claim, run)).as_json(), allow_nan=False))
        assert document["claim"]["id"] == claim.id
        assert document["verdict"] in list(Verdict)
        assert len(document["cells"]) == len(claim.select)
        assert set(document["cells"][0]["estimate"]) == {"value", "low", "high", "n"}


def test_infinite_passages_become_null_in_json():
    claim = named("parity-d5-speed")
    document = json.loads(json.dumps(judge(claim, data_for(claim, NEVER)).as_json(), allow_nan=False))
    assert document["verdict"] == "NOT REPRODUCED"
    assert document["cells"][0]["estimate"] == {"value": None, "low": None, "high": None, "n": 16}
    assert "never" in document["reason"]


def test_the_unbounded_interval_of_a_single_run_becomes_null_in_json():
    claim = named("parity-d30-at-chance").model_copy(update={"reduced_may_judge": True})
    result = judge(claim, data_for(claim, CHANCE, seeds=1))
    assert (result.verdict, result.reduced) == (INCONCLUSIVE, True)
    estimate = json.loads(json.dumps(result.as_json(), allow_nan=False))["cells"][0]["estimate"]
    assert estimate == {"value": pytest.approx(0.505), "low": None, "high": None, "n": 1}


def test_a_cell_is_measured_with_its_interval_and_the_number_of_runs():
    speed, depth = named("parity-d5-speed"), named("parity-depth-and-width")
    (cell,) = judge(speed, data_for(speed, EARLY)).cells
    assert cell.measured == "2\u202f600 [1\u202f000, 4\u202f000], n = 16"
    assert judge(speed, data_for(speed, NEVER)).cells[0].measured == "never, n = 16"
    assert judge(depth, data_for(depth, CHANCE)).cells[0].measured == "0.500 [0.491, 0.509], n = 4"


def test_a_cell_is_named_by_its_axes():
    depth = named("parity-depth-and-width")
    labels = [cell.cell for cell in judge(depth, data_for(depth, CHANCE)).cells]
    assert labels == [f"dim 30, architecture {name}" for name in ("10d-10d", "10d-10d-10d", "40d")]
    harder = named("parity-harder-with-dimension")
    labels = [cell.cell for cell in judge(harder, data_for(harder, EARLY)).cells]
    assert labels == ["dim 5 and 10", "dim 10 and 30"]


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


def test_data_that_covers_less_than_the_claim_is_about_is_reduced():
    claim = named("parity-realisable")
    good, _, _ = runs_for(claim)
    result = judge(claim, data_for(claim, good).drop_sel(dim=[11, 12]))
    assert (result.verdict, result.reduced) == (REPRODUCED, True)
    strict = claim.model_copy(update={"reduced_may_judge": False})
    result = judge(strict, data_for(claim, good).drop_sel(dim=[11, 12]))
    assert result.verdict == INCONCLUSIVE
    assert "without dim 11, 12" in result.reason


def test_an_empty_cell_is_the_whole_dataset():
    claim = Claim(
        id="all",
        statement="No error anywhere.",
        source="ours",
        kind="extension",
        data="realisability",
        metric="largest",
        select=[{}],
        options=Options(variable="error_rate"),
        criterion=Criterion(at_most=0),
        why="An exact computation.",
        budget={},
    )
    data = xr.Dataset({"error_rate": ("dim", [0.0, 0.0])}, coords={"dim": [1, 2]})
    assert judge(claim, data).verdict == REPRODUCED
    data["error_rate"][1] = 0.5
    assert judge(claim, data).verdict == NOT_REPRODUCED
