"""What the claims on parities say of the published curves, and what the figure marks as learnt."""

from itertools import pairwise
from pathlib import Path

import pytest

from gradient_failures.claims.model import read_claims
from gradient_failures.config.yaml import read_yaml
from gradient_failures.problems import parity
from gradient_failures.problems.parity.figures.parity import LEVELS

CLAIMS = {claim.id: claim for claim in read_claims(["parity"])}
PUBLISHED = read_yaml(str(Path(parity.__file__).with_name("published.yaml")))["accuracy"]


@pytest.mark.parametrize(("name", "dim"), [("parity-d5-speed", 5), ("parity-d10-speed", 10)])
def test_the_published_speed_is_where_the_published_curve_first_reaches_the_level(name, dim):
    claim = CLAIMS[name]
    assert list(claim.select) == [{"dim": dim}]
    curve = zip(PUBLISHED[f"d{dim}"]["step"], PUBLISHED[f"d{dim}"]["value"], strict=True)
    before, after = next(
        (before, after)
        for (before, _), (after, accuracy) in pairwise(curve)
        if accuracy >= claim.options["level"]
    )
    assert before < claim.criterion.contains <= after


def test_the_figure_marks_the_levels_of_the_claims():
    assert {claim.options["level"] for claim in CLAIMS.values() if "level" in claim.options} == set(LEVELS)
