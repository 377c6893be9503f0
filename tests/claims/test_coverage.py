"""Every variable that a claim reads is held by a test to values that are computed otherwise."""

import ast

from conftest import ROOT
from gradient_failures.claims.model import read_claims
from gradient_failures.config.paper import validated
from gradient_failures.config.yaml import read_yaml

PAPER = validated(read_yaml(str(ROOT / "config/config.yaml")))


def read_by_claims():
    """Computation and variable of each claim; estimators without the option read the accuracy."""
    read = set()
    for claim in read_claims(PAPER.problems):
        computation = PAPER.grids[claim.data]
        variable = claim.options.get("variable", "accuracy")
        read.add((f"{computation.problem}.{computation.name}", variable))
    return read


def held_by_tests():
    """Computation and variable of each mark ``expects(computation, *variables)``, read off the tests."""
    held = set()
    for path in ROOT.glob("tests/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="expects"), args=[computation, *variables]):
                    name = ast.literal_eval(computation)
                    held |= {(name, ast.literal_eval(variable)) for variable in variables}
    return held


def test_every_variable_that_a_claim_reads_has_an_independent_expected_value():
    missing = sorted(read_by_claims() - held_by_tests())
    assert not missing, f"write tests marked expects for {missing}"


def test_no_test_is_marked_for_a_variable_that_no_claim_reads():
    unread = sorted(held_by_tests() - read_by_claims())
    assert not unread, f"take the marks expects off {unread}"
