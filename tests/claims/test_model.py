"""What may stand in the claims of a problem, and how a mistake there is explained."""

import copy

import pytest
import yaml

from gradient_failures.claims import model
from gradient_failures.claims.model import check_data, read_claims
from gradient_failures.config.errors import ConfigError

LEARNT = {
    "id": "learnt",
    "statement": "It is learnt.",
    "source": "§2",
    "kind": "paper",
    "data": "parity",
    "estimator": {"name": "success_rate", "level": 0.99},
    "select": {"dim": 5},
    "criterion": {"at_least": 0.75},
    "why": "Most runs must get there.",
    "budget": {"steps": 1000, "seeds": 16},
}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads claims that are given as the content, or the text, of the file of each problem."""
    monkeypatch.setattr(model, "FOLDER", tmp_path)

    def read_written(**problems):
        for name, content in problems.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content)
            (tmp_path / name).mkdir()
            (tmp_path / name / "claims.yaml").write_text(text)
        return read_claims([*problems, "without_claims"])

    return read_written


@pytest.fixture
def refusal(read):
    """The message with which files are refused, without the folders of the file."""

    def message(**problems):
        with pytest.raises(ConfigError) as caught:
            read(**problems)
        return [line.partition("toy/claims.yaml")[2] for line in str(caught.value).splitlines()]

    return message


def claim(**changes):
    return copy.deepcopy(LEARNT) | changes


def group(*claims, **shared):
    return {**shared, "claims": list(claims)}


def without(*keys):
    return {key: value for key, value in LEARNT.items() if key not in keys}


def estimator(name="success_rate", level=0.99, **options):
    return {"name": name, "level": level, **options}


def test_claims_are_read_problem_by_problem_in_the_order_of_the_files(read):
    claims = read(toy=[group(claim(), claim(id="b")), group(claim(id="c"))], another=[group(claim(id="a"))])
    assert [(one.problem, one.id) for one in claims] == [
        ("toy", "learnt"),
        ("toy", "b"),
        ("toy", "c"),
        ("another", "a"),
    ]


def test_a_claim_has_the_keys_of_its_group_but_for_its_own(read):
    shared = without("id", "kind")
    first, second = read(
        toy=[
            group(
                {"id": "first"},
                {"id": "second", "kind": "extension", "estimator": estimator(level=0.5)},
                **shared,
            )
        ]
    )
    assert (first.kind, first.options, first.why) == ("paper", {"level": 0.99}, LEARNT["why"])
    assert (second.kind, second.options, second.why) == ("extension", {"level": 0.5}, LEARNT["why"])


@pytest.mark.parametrize(
    ("name", "select", "cells"),
    [
        ("success_rate", {"dim": 5}, [{"dim": 5}]),
        ("success_rate", {}, [{}]),
        (
            "success_rate",
            {"dim": [5, 7], "size": [1, 2], "code": "a"},
            [{"dim": dim, "size": size, "code": "a"} for dim in (5, 7) for size in (1, 2)],
        ),
        ("success_rate", [{"dim": [5, 7]}, {"size": 1}], [{"dim": 5}, {"dim": 7}, {"size": 1}]),
        ("slower", {"dim": [[5, 10], [10, 30]]}, [{"dim": [5, 10]}, {"dim": [10, 30]}]),
        (
            "slower",
            {"code": [["a", "b"]], "dim": [5, 7]},
            [{"code": ["a", "b"], "dim": dim} for dim in (5, 7)],
        ),
    ],
)
def test_a_list_of_values_gives_a_cell_for_each(read, name, select, cells):
    (one,) = read(toy=[group(claim(estimator=estimator(name), select=select))])
    assert one.select == cells


def test_without_a_selection_all_data_are_one_cell(read):
    (one,) = read(toy=[group(without("select"))])
    assert one.select == [{}]


def test_numbers_may_be_written_with_an_exponent(read):
    text = yaml.safe_dump([group(claim())]).replace("0.75", "1e-3").replace("0.99", "1e-4")
    (one,) = read(toy=text)
    assert (one.criterion.at_least, one.options) == (0.001, {"level": 0.0001})


SLOWER = estimator("slower")
ONE_CONDITION = "give exactly one of at_least, at_most, within, contains"


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"estimator": estimator("succes_rate")}, "learnt.estimator", "did you mean 'success_rate'?"),
        ({"estimator": "success_rate"}, "learnt.estimator", "should be a dictionary of keys and values"),
        ({"estimator": {"level": 1}}, "learnt.estimator.name", "this key is missing"),
        ({"options": {"level": 1}}, "learnt.options", "written beside the name of the estimator"),
        ({"kind": "ours"}, "learnt.kind", "'paper' or 'extension'"),
        ({"id": "Parity learnt"}, "Parity learnt.id", "pattern"),
        ({"data": "../parity"}, "learnt.data", "pattern"),
        ({"statement": 3}, "learnt.statement", "string"),
        ({"budget": {"steps": -1}}, "learnt.budget.steps", "greater than or equal to 0"),
        ({"budget": {"steps": "many"}}, "learnt.budget.steps", "integer"),
        ({"budget": {"step": 1}}, "learnt.budget.step", "unknown key; did you mean 'steps'?"),
        ({"sorce": "§2"}, "learnt.sorce", "unknown key; did you mean 'source'?"),
        ({"reduced_may_judge": "no"}, "learnt.reduced_may_judge", "boolean"),
        ({"criterion": {}}, "learnt.criterion", ONE_CONDITION),
        ({"criterion": {"at_least": 0.5, "at_most": 0.6}}, "learnt.criterion", ONE_CONDITION),
        ({"criterion": {"within": [0.4, 0.6], "contains": 0.5}}, "learnt.criterion", ONE_CONDITION),
        ({"criterion": {"atleast": 1}}, "learnt.criterion.atleast", "did you mean 'at_least'?"),
        ({"criterion": {"at_least": "high"}}, "learnt.criterion.at_least", "number"),
        ({"criterion": {"at_least": float("nan")}}, "learnt.criterion.at_least", "finite"),
        ({"criterion": {"at_least": True}}, "learnt.criterion.at_least", "number"),
        ({"criterion": {"within": [0.5]}}, "learnt.criterion.within", "2 items"),
        ({"criterion": {"within": [0.4, 0.5, 0.6]}}, "learnt.criterion.within", "2 items"),
        ({"criterion": {"within": [0.52, 0.48]}}, "learnt.criterion", "low is not below high"),
        ({"criterion": {"within": [0.5, 0.5]}}, "learnt.criterion", "low is not below high"),
        ({"select": 3}, "learnt.select.0", "dictionary"),
        ({"select": [{}, 3]}, "learnt.select.1", "dictionary"),
        ({"select": []}, "learnt.select", "at least 1 item"),
        ({"select": {"dim": []}}, "learnt.select", "at least 1 item"),
        ({"select": {"dim": [[5, 10]]}}, "learnt", "success_rate takes one value of each axis"),
        ({"estimator": SLOWER}, "learnt", "slower compares two values of one axis (dim: [[5, 10]])"),
        ({"estimator": SLOWER, "select": {"dim": [[5, 7, 9]]}}, "learnt", "slower compares two values"),
        (
            {"estimator": SLOWER, "select": {"a": [[1, 2]], "b": [[1, 2]]}},
            "learnt",
            "slower compares two values",
        ),
        ({"estimator": {"name": "success_rate"}}, "learnt.estimator.level", "this key is missing"),
        ({"estimator": estimator(levl=1)}, "learnt.estimator.levl", "unknown key; did you mean 'level'?"),
        ({"estimator": estimator(level="high")}, "learnt.estimator.level", "number"),
        ({"estimator": {"name": "mean", "variable": 3}}, "learnt.estimator.variable", "string"),
    ],
)
def test_a_mistake_is_explained_with_its_file_claim_and_key(refusal, changes, key, said):
    (message,) = refusal(toy=[group(claim(**changes))])
    assert message.startswith(f": {key}: ")
    assert said in message


def test_a_missing_key_and_a_missing_id_are_told_and_so_are_all_other_mistakes(refusal):
    others = [without("criterion"), without("id"), claim(kind="ours"), without("estimator")]
    assert refusal(toy=[group(claim(id="right")), group(*others)]) == [
        ": learnt.criterion: this key is missing",
        ": claim 3.id: this key is missing",
        ": learnt.kind: 'ours' is not allowed: input should be 'paper' or 'extension'",
        ": learnt.estimator.name: this key is missing",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"claims": [LEARNT]}, ": groups: "),
        ([LEARNT], ": groups.0.claims: this key is missing"),
        ([group()], ": groups.0.claims: [] is not allowed: list should have at least 1 item"),
        ([group("learnt")], ": groups.0.claims.0: 'learnt' is not allowed: input should be a dictionary"),
        ("", ": is empty"),
        ("- claims: [", ": is not YAML"),
    ],
)
def test_a_file_that_is_no_list_of_groups_is_refused(refusal, content, said):
    (message,) = refusal(toy=content)
    assert message.startswith(said)


def test_an_id_is_used_once_in_all_problems(read):
    with pytest.raises(ConfigError) as caught:
        read(toy=[group(claim())], another=[group(claim(id="other"), claim())])
    first, second = str(caught.value).splitlines()
    assert first.endswith("toy/claims.yaml: learnt: this id is used more than once")
    assert second.endswith("another/claims.yaml: learnt: this id is used more than once")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"parity": {"dim"}}, None),
        ({"parity": None}, None),
        ({"party": {"dim"}}, "learnt.data parity: unknown file; did you mean 'party'?"),
        ({"parity": {"dims"}}, "learnt.select dim: unknown key; did you mean 'dims'?"),
    ],
)
def test_a_claim_is_about_a_file_and_axes_that_there_are(read, files, said):
    claims = read(toy=[group(claim())])
    if said is None:
        check_data(claims, files)
    else:
        with pytest.raises(ConfigError) as caught:
            check_data(claims, files)
        assert f"toy/claims.yaml: {said}" in str(caught.value)
