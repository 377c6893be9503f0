"""The claims of the paper: each fits the full run, and can come out met, missed and undecided."""

import importlib
import math
from itertools import product

import numpy as np
import xarray as xr

from conftest import ROOT
from gradient_failures.claims.estimators import ESTIMATORS
from gradient_failures.claims.judge import Verdict, judge
from gradient_failures.claims.model import check_data, read_claims
from gradient_failures.config.base import flat
from gradient_failures.config.paper import validated
from gradient_failures.config.yaml import read_yaml
from gradient_failures.results.runs import LAST_STEP
from tiny_runs import tiny_config

REPRODUCED, PARTLY, NOT_REPRODUCED, INCONCLUSIVE, _ = Verdict

PAPER = validated(read_yaml(str(ROOT / "config/config.yaml")))
CLAIMS = read_claims(PAPER.problems)
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
        return np.where(step == claim.options["step"], stays_at(level)(claim, cell, seed, step), np.nan)

    return run


def apart_by(gap):
    """Runs of the first of a pair are ``gap(claim, seed)`` above those of the second."""
    return lambda claim, cell, seed, step: np.full(step.size, seed - rank(claim, cell) * gap(claim, seed))


def in_ratio(ratio):
    """Runs of the first of a pair are ``ratio(claim, seed)`` times those of the second."""
    return lambda claim, cell, seed, step: np.full(
        step.size, (1 + seed) * ratio(claim, seed) ** leads(claim, cell)
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


def ratios(bound, better):
    """Pairs whose ratio is a bound of the criterion times ``better``, over ``better``, and either by seed."""
    return (
        in_ratio(lambda claim, seed: getattr(claim.criterion, bound) * better),
        in_ratio(lambda claim, seed: getattr(claim.criterion, bound) / better),
        in_ratio(lambda claim, seed: getattr(claim.criterion, bound) * better ** (-1) ** seed),
    )


def gaps(bound, better):
    """Pairs apart by a bound of the criterion plus ``better``, minus ``better``, and either by seed."""
    return (
        apart_by(lambda claim, seed: getattr(claim.criterion, bound) + better),
        apart_by(lambda claim, seed: getattr(claim.criterion, bound) - better),
        apart_by(lambda claim, seed: getattr(claim.criterion, bound) + better * (-1) ** seed),
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
    ("ratio", "at_least"): ratios("at_least", 1.1),
    ("ratio", "at_most"): ratios("at_most", 1 / 1.1),
    ("late_mean", "within"): (CHANCE, EARLY, stays_at(lambda claim: claim.criterion.within[1])),
    ("late_mean", "at_least"): around(stays_at, "at_least", 0.02),
    ("final_mean", "at_most"): around(stays_at, "at_most", 0.01),
    ("final_mean", "at_least"): around(stays_at, "at_least", 0.01),
    ("ends_at_most", "at_most"): (
        stays_at(lambda claim: claim.options["level"] + 0.01),
        stays_at(lambda claim: claim.options["level"] - 0.01),
        lambda claim, cell, seed, step: np.where(
            step < step[-1], 0.0, claim.options["level"] + (0.01, -0.01)[share_learns(claim, seed)]
        ),
    ),
    ("final_gap", "at_most"): gaps("at_most", -0.1),
    ("final_gap", "at_least"): gaps("at_least", 0.1),
    ("mean_at", "at_most"): around(only_at_the_step, "at_most", 0.01),
    ("mean_at", "at_least"): around(only_at_the_step, "at_least", 0.01),
    ("final_ratio", "at_least"): ratios("at_least", 1.1),
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
    kind = claim.estimator, *claim.criterion.model_dump(exclude_none=True)
    assert kind in RUNS, f"{claim.id}: say in RUNS what runs meet, miss and straddle {kind}"
    good, bad, unclear = RUNS[kind]
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
            claim.options.get("variable", "accuracy"): ((*axes, "seed", "step"), curves.reshape(shape)),
            LAST_STEP: ((*axes, "seed"), np.full(shape[:-1], step[-1])),
        },
        coords={**axes, "seed": range(seeds), "step": step},
    )
    data = data if claim.budget.steps else data.drop_vars(LAST_STEP).isel(step=0, drop=True)
    return data if claim.budget.seeds else data.isel(seed=0, drop=True)


def axes_of_the_full_run():
    """The axes of each judged file, with their values; those that measurements add are as in a tiny run."""
    files = {claim.data for claim in CLAIMS}
    axes = {name: dict(PAPER.grids[name].config.grids[name].axes) for name in files}
    for part in tiny_config().computations:
        if files.intersection(part.points) and not part.trains:
            run = next(iter(part.all_runs.values()))
            module = importlib.import_module(f"gradient_failures.problems.{part.problem}.{part.name}")
            data = module.run(run.point.settings, list(run.seeds))
            for name in files.intersection(part.points):
                own = {axis: listed(name, axis) or data[axis].values.tolist() for axis in data.dims}
                axes[name] = own | axes[name]
    return axes


def listed(grid, axis):
    """What the settings of ``grid`` list for ``axis``: ``exhaustive_dim`` and ``sampled_dim`` for ``dim``."""
    settings = flat(PAPER.grids[grid].points[grid][0].settings.model_dump())
    alike = [value for name, value in settings.items() if name.split("_")[-1] == axis.split("_")[-1]]
    return [value for values in alike if isinstance(values, list) for value in values]


def judged(claim, point):
    """Whether ``claim`` judges the runs at a point of its grid."""
    cells = [{axis: np.atleast_1d(values) for axis, values in cell.items()} for cell in claim.select]
    return any(all(point.axes[axis] in values for axis, values in cell.items()) for cell in cells)


def test_every_estimator_is_used_by_a_claim():
    assert {claim.estimator for claim in CLAIMS} == set(ESTIMATORS)


def test_every_cell_of_a_claim_is_in_the_data_of_the_full_run():
    check_data(CLAIMS, PAPER.files())
    axes = axes_of_the_full_run()
    for claim in CLAIMS:
        for axis, values in [*axes_of(claim).items(), *claim.budget.covers.items()]:
            assert set(values) <= set(axes[claim.data].get(axis, [])), f"{claim.id}: {axis}"


def test_the_full_run_meets_the_budget_of_every_claim():
    for claim in CLAIMS:
        part, budget = PAPER.grids[claim.data], claim.budget
        assert budget.seeds <= (part.config.grids[claim.data].seeds or 0), claim.id
        if part.trains:
            steps = [point.settings.steps for point in part.points[claim.data] if judged(claim, point)]
            assert 0 < budget.steps <= min(steps), claim.id
            assert budget.seeds > 0, claim.id
        else:
            assert budget.steps == 0, claim.id


def test_every_claim_is_met_missed_and_straddled_by_some_runs():
    for claim in CLAIMS:
        verdicts = (REPRODUCED, "meets"), (NOT_REPRODUCED, "misses"), (INCONCLUSIVE, "straddles")
        for run, (verdict, relation) in zip(runs_for(claim), verdicts, strict=True):
            if run is not None:
                result = judge(claim, data_for(claim, run))
                assert (claim.id, result.verdict, result.reduced) == (claim.id, verdict, False)
                assert len(result.cells) == len(claim.select), claim.id
                assert relation in result.reason, claim.id
                if verdict != INCONCLUSIVE:
                    assert {cell.verdict for cell in result.cells} == {verdict}, claim.id


def test_every_claim_is_partly_reproduced_where_one_cell_misses():
    for claim in CLAIMS:
        if len(claim.select) > 1 and not ESTIMATORS[claim.estimator].paired:
            good, bad, _ = runs_for(claim)

            def mixed(claim, cell, seed, step, good=good, bad=bad):
                return (bad if claim.select[-1].items() <= cell.items() else good)(claim, cell, seed, step)

            result = judge(claim, data_for(claim, mixed))
            *others, last = [cell.verdict for cell in result.cells]
            assert (claim.id, result.verdict) == (claim.id, PARTLY)
            assert (set(others), last) == ({REPRODUCED}, NOT_REPRODUCED), claim.id


def test_no_claim_on_training_is_decided_by_less_than_its_budget():
    for claim in CLAIMS:
        if claim.budget.steps:
            good, _, _ = runs_for(claim)
            for size, by in (("steps", EVERY), ("seeds", 1)):
                wanted = getattr(claim.budget, size)
                result = judge(claim, data_for(claim, good, **{size: wanted - by}))
                assert (claim.id, result.verdict, result.reduced) == (claim.id, INCONCLUSIVE, True)
                assert f"{wanted - by} of {wanted} {size}" in result.reason, claim.id
