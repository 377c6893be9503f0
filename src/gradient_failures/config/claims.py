"""What ``config/claims.yaml`` may hold: the claims of the paper and how each is judged."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, ValidationError, field_validator, model_validator

from gradient_failures.config.base import FileName, Number, Strict
from gradient_failures.config.errors import ConfigError, explain, unknown

Metric = Literal[
    "success_rate",
    "mean",
    "geometric_mean",
    "ratio",
    "late_mean",
    "final_mean",
    "mean_at",
    "final_gap",
    "final_ratio",
    "ends_at_most",
    "first_passage",
    "slower",
    "exponent",
    "largest",
]


class Criterion(Strict):
    """The condition that the interval of an estimate must meet; exactly one of the four."""

    at_least: Number | None = None
    """Reproduced if the whole interval is at or above this value, refuted if it is wholly below."""

    at_most: Number | None = None
    """Reproduced if the whole interval is at or below this value, refuted if it is wholly above."""

    within: list[Number] | None = Field(default=None, min_length=2, max_length=2)
    """Equivalence: reproduced if the interval lies inside [low, high], refuted if it lies outside."""

    contains: Number | None = None
    """Reproduced if the interval holds this value, refuted if it does not."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("give exactly one of at_least, at_most, within, contains")
        if self.within and self.within[0] > self.within[1]:
            raise ValueError("within is [low, high], and low is larger than high here")
        return self


class Budget(Strict):
    """The run a claim is meant for; with less, its verdict is marked "reduced"."""

    steps: NonNegativeInt = 0
    """Training steps."""

    seeds: NonNegativeInt = 0
    """Independent runs at each grid point."""

    covers: Mapping[str, list[Any]] = {}
    """Values that axes of the data must include."""


class Options(Strict):
    """Further arguments of a metric; each metric takes those it needs."""

    level: Number | None = None
    """Accuracy, or value of ``variable``, that counts as learnt."""

    variable: str | None = None
    """Variable of the data that is estimated."""

    step: NonNegativeInt | None = None
    """Training step at which it is estimated."""


OPTIONS: dict[Metric, set[str]] = {
    "success_rate": {"level"},
    "mean": {"variable"},
    "geometric_mean": {"variable"},
    "ratio": {"variable"},
    "late_mean": {"variable"},
    "final_mean": {"variable"},
    "mean_at": {"variable", "step"},
    "final_gap": {"variable"},
    "final_ratio": {"variable"},
    "ends_at_most": {"variable", "level"},
    "first_passage": {"level"},
    "slower": {"level"},
    "exponent": {"variable"},
    "largest": {"variable"},
}
"""The options that each metric takes, all of which it needs."""

PAIRED: set[Metric] = {"slower", "final_gap", "final_ratio", "ratio", "exponent"}
"""Metrics that compare two values of one axis."""


class Claim(Strict):
    """One claim, fixed before the runs it is judged on, or saying what was changed after a first run."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Unique name, used as an anchor in the report."""

    statement: str
    """The claim in one sentence of ours."""

    source: str
    """Where the paper makes it."""

    theorem: str | None = None
    """The theorem, lemma or equation it checks, if any; the report lists these in a section on theory."""

    kind: Literal["paper", "extension"]
    """"paper" for a claim of the paper, "extension" for a question of ours."""

    data: FileName
    """The file judged: ``metrics/DATA.nc``."""

    metric: Metric
    """The estimate taken from the data, a function in ``gradient_failures.measures``."""

    select: list[Mapping[str, Any]] = Field(default=[{}], min_length=1)
    """Cells of the grid that are each estimated and judged; the claim's verdict sums them up."""

    options: Options = Options()
    """Further arguments of the metric."""

    criterion: Criterion
    """The condition on every cell."""

    why: str
    """Why this criterion and threshold."""

    published: str | None = None
    """What the paper shows, in numbers, where it shows numbers."""

    budget: Budget
    """The run the criterion is meant for."""

    reduced_may_judge: bool = False
    """Whether a run below the budget may still reach a verdict."""

    @model_validator(mode="after")
    def _options_fit_the_metric(self) -> Self:
        given, wanted = set(self.options.model_dump(exclude_none=True)), OPTIONS[self.metric]
        if given != wanted:
            raise ValueError(f"{self.metric} takes the options {sorted(wanted)}; given are {sorted(given)}")
        return self

    @model_validator(mode="after")
    def _cells_fit_the_metric(self) -> Self:
        for cell in self.select:
            pairs = [value for value in cell.values() if isinstance(value, list)]
            if self.metric in PAIRED and list(map(len, pairs)) != [2]:
                raise ValueError(f"{self.metric} compares two values of one axis (dim: [5, 10]), not {cell}")
            if self.metric not in PAIRED and pairs:
                raise ValueError(f"{self.metric} takes one value of each axis; not {cell}")
        return self


class Claims(Strict):
    """All claims, in the order of the report."""

    claims: list[Claim] = Field(min_length=1)
    """The claims, each with a unique id."""

    @field_validator("claims")
    @classmethod
    def _unique_ids(cls, claims: list[Claim]) -> list[Claim]:
        ids = [claim.id for claim in claims]
        repeated = {name for name in ids if ids.count(name) > 1}
        if repeated:
            raise ValueError(f"the id {', '.join(sorted(repeated))} is used more than once")
        return claims


def check_data(claims: list[Claim], files: Mapping[str, set[str] | None]) -> None:
    """Check that the files and axes that ``claims`` name exist; a :class:`ConfigError` says which do not.

    Parameters
    ----------
    files : the axes of each metrics file, None where they are not known before it is measured.
    """
    for claim in claims:
        if claim.data not in files:
            raise ConfigError(f"claims.{claim.id}.data {claim.data}: {unknown(claim.data, files, 'file')}")
        axes = files[claim.data]
        for axis in {axis for cell in claim.select for axis in cell}:
            if axes is not None and axis not in axes:
                raise ConfigError(f"claims.{claim.id}.select {axis}: {unknown(axis, axes, 'key')}")


def validated_claims(document: Mapping[str, Any]) -> list[Claim]:
    """Check the content of ``config/claims.yaml``; :class:`ConfigError` says what is wrong."""
    try:
        return Claims.model_validate(dict(document)).claims
    except ValidationError as error:
        raise ConfigError(explain(error, Claims)) from None
