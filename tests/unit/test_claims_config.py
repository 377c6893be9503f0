"""The claims file: what may stand in it, and that the full run holds what every claim asks for."""

import copy
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from gradient_failures.config.base import Experiment
from gradient_failures.config.claims import Criterion, Metric, check_data, validated_claims
from gradient_failures.config.errors import ConfigError
from gradient_failures.config.paper import validated
from gradient_failures.diagnostics import (
    conditioning,
    curve_steps,
    forward_only,
    gaussian_tuples,
    gradient_variance,
    realisability,
    snr,
)
from gradient_failures.measures import METRICS

CONFIG = Path(__file__).parents[2] / "config"


def document(name):
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


PAPER = validated(document("config.yaml"))
CLAIMS = validated_claims(document("claims.yaml"))
EXPERIMENTS = {sweep: part for part in PAPER.experiments().values() for sweep in part.sweeps}
DIAGNOSTICS = {name: part for name, part in PAPER if not isinstance(part, Experiment)}

# The axes that a diagnostic has besides those that its settings list.
DIAGNOSTIC_AXES = {
    "estimator_noise": {},
    "lemmas": {},
    "snr": {"estimator": ["sampled", "recombined"], "approach": list(snr.APPROACHES)},
    "gradient_variance": {"loss": gradient_variance.LOSSES},
    "linear_periodic": {
        "larger_dim": PAPER.linear_periodic.dim[1:],
        "larger_radius": PAPER.linear_periodic.radius[1:],
    },
    "gaussian_tuples": {
        "longer_length": PAPER.gaussian_tuples.tuple_length[1:],
        "predictor": gaussian_tuples.PREDICTORS,
    },
    "conditioning": {
        "curve_distribution": conditioning.DISTRIBUTIONS,
        "step_size": conditioning.STEP_SIZES,
    },
    "curve_steps": {"problem": curve_steps.PROBLEMS},
    "forward_only": {"step_size": forward_only.STEP_SIZES},
}

each_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)


def refusal(index, **changes):
    changed = copy.deepcopy(document("claims.yaml"))
    changed["claims"][index].update(changes)
    with pytest.raises(ConfigError) as caught:
        validated_claims(changed)
    message = str(caught.value)
    assert "\n" not in message
    return message


def grid_of(name):
    """The coordinates that the data of the full run will have."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name].sweeps[name].axes()
    if name in DIAGNOSTIC_AXES:
        part = getattr(PAPER, name)
        settings = getattr(part, "settings", part).model_dump()
        listed = {axis: values for axis, values in settings.items() if isinstance(values, list)}
        return {**listed, **DIAGNOSTIC_AXES[name]}
    assert name == "realisability"
    tiny = {"exhaustive_dim": [1], "sampled_dim": [2], "sampled_targets": 1, "sampled_inputs": 1}
    construction = realisability.measure(realisability.Settings(**tiny))["construction"].values.tolist()
    return {"dim": sorted({*PAPER.realisability.exhaustive_dim}), "construction": construction}


def settings_of(experiment, claim):
    """The training settings of the runs that a claim judges."""
    if experiment.training_axis is None:
        return [experiment.training]
    values = [cell[experiment.training_axis] for cell in claim.select]
    each = [value if isinstance(value, list) else [value] for value in values]
    return [experiment.training[value] for values in each for value in values]


def test_every_metric_has_a_function_and_every_function_a_name():
    assert set(get_args(Metric)) == set(METRICS)


def test_every_metric_is_used_by_a_claim():
    assert {claim.metric for claim in CLAIMS} == set(METRICS)


@each_claim
def test_a_claim_judges_data_that_the_full_run_makes(claim):
    assert claim.data in {*EXPERIMENTS, *DIAGNOSTICS}


@each_claim
def test_every_cell_of_a_claim_is_on_the_grid(claim):
    grid = grid_of(claim.data)
    for cell in claim.select:
        for axis, value in cell.items():
            assert set(value if isinstance(value, list) else [value]) <= set(grid[axis])


@each_claim
def test_the_full_run_meets_the_budget_of_a_claim(claim):
    if claim.data in EXPERIMENTS:
        experiment = EXPERIMENTS[claim.data]
        steps = [training.steps for training in settings_of(experiment, claim)]
        assert 0 < claim.budget.steps <= min(steps)
        assert 0 < claim.budget.seeds <= experiment.sweeps[claim.data].seeds


@each_claim
def test_the_options_of_a_claim_are_the_arguments_of_its_metric(claim):
    arguments = list(inspect.signature(METRICS[claim.metric]).parameters)
    assert arguments[:2] == ["dataset", "cell"]
    assert set(claim.options.model_dump(exclude_none=True)) == set(arguments[2:])


@each_claim
def test_the_criterion_of_a_claim_can_be_met(claim):
    criterion = claim.criterion
    if criterion.within is not None:
        assert criterion.within[0] < criterion.within[1]


@pytest.mark.parametrize("dim", [5, 10])
def test_the_published_speeds_are_those_of_the_published_figure(dim):
    (claim,) = (claim for claim in CLAIMS if claim.id == f"parity-d{dim}-speed")
    published = document("published.yaml")["figure_1"]["first_step_at_0.99"]
    assert claim.criterion.contains == published[f"d{dim}"]


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"metric": "succes_rate"}, "claims.0.metric", "'success_rate'"),
        ({"kind": "ours"}, "claims.0.kind", "'paper' or 'extension'"),
        ({"id": "Parity learnt"}, "claims.0.id", "pattern"),
        ({"data": "../parity"}, "claims.0.data", "pattern"),
        ({"statement": 3}, "claims.0.statement", "string"),
        ({"budget": {"steps": -1}}, "claims.0.budget.steps", "greater than or equal to 0"),
        ({"budget": {"steps": "many"}}, "claims.0.budget.steps", "integer"),
        ({"criterion": {"at_least": "high"}}, "claims.0.criterion.at_least", "number"),
        ({"criterion": {"within": [0.5]}}, "claims.0.criterion.within", "2 items"),
        ({"criterion": {"within": [0.4, 0.5, 0.6]}}, "claims.0.criterion.within", "2 items"),
        ({"select": [{}, 3]}, "claims.0.select.1", "dictionary"),
        ({"reduced_may_judge": "no"}, "claims.0.reduced_may_judge", "boolean"),
    ],
)
def test_a_bad_value_is_refused_with_its_key(changes, key, said):
    message = refusal(0, **changes)
    assert message.startswith(key)
    assert said in message


@pytest.mark.parametrize(
    "changes",
    [
        {"criterion": {"within": [0.52, 0.48]}},
        {"criterion": {"at_least": float("nan")}},
        {"criterion": {"at_least": True}},
        {"select": []},
    ],
)
def test_a_claim_that_no_run_could_meet_is_refused(changes):
    assert refusal(0, **changes).startswith(f"claims.0.{next(iter(changes))}")


@pytest.mark.parametrize(
    "criterion", [{}, {"at_least": 0.5, "at_most": 0.6}, {"within": [0.4, 0.6], "contains": 0.5}]
)
def test_a_criterion_has_exactly_one_condition(criterion):
    expected = "claims.3.criterion: give exactly one of at_least, at_most, within, contains"
    assert refusal(3, criterion=criterion) == expected


@pytest.mark.parametrize(
    ("changes", "key", "nearest"),
    [
        ({"sorce": "§2"}, "claims.2.sorce", "source"),
        ({"reduced_may_juge": True}, "claims.2.reduced_may_juge", "reduced_may_judge"),
        ({"budget": {"step": 1}}, "claims.2.budget.step", "steps"),
        ({"criterion": {"atleast": 1}}, "claims.2.criterion.atleast", "at_least"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(changes, key, nearest):
    assert refusal(2, **changes).startswith(f"{key}: unknown key; did you mean '{nearest}'?")


def test_an_unknown_key_beside_the_claims_is_refused():
    with pytest.raises(ConfigError, match="claim: unknown key; did you mean 'claims'"):
        validated_claims({**document("claims.yaml"), "claim": []})


def test_a_missing_criterion_is_refused():
    changed = document("claims.yaml")
    del changed["claims"][4]["criterion"]
    with pytest.raises(ConfigError, match=r"^claims\.4\.criterion: this key is missing$"):
        validated_claims(changed)


def test_no_claims_at_all_is_refused():
    with pytest.raises(ConfigError, match="at least 1 item"):
        validated_claims({"claims": []})


def test_an_id_used_twice_is_refused_in_a_readable_line():
    message = refusal(1, id=CLAIMS[0].id)
    assert f"the id {CLAIMS[0].id} is used more than once" in message
    assert len(message) < 300


def test_a_criterion_of_zero_is_a_criterion():
    assert Criterion(at_most=0).at_most == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "data: parity\n",
            "data: paritty\n",
            "claims.parity-d5-learnt.data paritty: unknown file; did you mean 'parity'?",
        ),
        ("[{dim: 5}]", "[{dimm: 5}]", "parity-d5-learnt.select dimm: unknown key; did you mean 'dim'?"),
        ("{level: 0.99}", "{}", "claims.0: success_rate takes the options ['level']; given are []"),
        ("[{dim: 5}]", "[{dim: [5, 10]}]", "claims.0: success_rate takes one value of each axis"),
        ("criterion:", "criterium:", "claims.0.criterium: unknown key; did you mean 'criterion'?"),
    ],
)
def test_a_claim_that_fits_no_data_is_explained(old, new, message):
    text = (CONFIG / "claims.yaml").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_data(validated_claims(yaml.safe_load(text.replace(old, new, 1))), PAPER.files())
