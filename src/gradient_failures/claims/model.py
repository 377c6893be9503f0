"""What ``problems/PROBLEM/claims.yaml`` may hold: the claims of the paper and how each is judged."""

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    Field,
    NonNegativeInt,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)

from gradient_failures.claims.estimators import ESTIMATORS, cells
from gradient_failures.config.base import FileName, Number, Strict
from gradient_failures.config.errors import ConfigError, explain, unknown
from gradient_failures.config.problem import FOLDER
from gradient_failures.config.yaml import read_yaml


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
        if self.within and self.within[0] >= self.within[1]:
            raise ValueError("within is [low, high], and low is not below high here")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """What the interval must lie between; infinite where there is no bound."""
        low, high = self.within or (self.at_least, self.at_most)
        return -math.inf if low is None else low, math.inf if high is None else high


class Budget(Strict):
    """The run a claim is meant for; with less, its verdict is marked "reduced"."""

    steps: NonNegativeInt = 0
    """Training steps."""

    seeds: NonNegativeInt = 0
    """Independent runs at each grid point."""

    covers: Mapping[str, list[Any]] = {}
    """Values that axes of the data must include."""


class Claim(Strict):
    """One claim, fixed before the runs it is judged on, or saying what was changed after a first run."""

    problem: str
    """The folder it comes from."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Unique name, used as an anchor in the report."""

    statement: str
    """The claim in one sentence of ours."""

    source: str
    """Where the paper makes it."""

    theorem: str | None = None
    """The theorem, lemma or equation it checks, if any; the report lists these in a section on theory."""

    kind: Literal["paper", "extension"] = "paper"
    """"paper" for a claim of the paper, "extension" for a question of ours."""

    data: FileName
    """The file judged: ``metrics/DATA.nc``."""

    estimator: str
    """The estimate taken from the data, one of :data:`gradient_failures.claims.estimators.ESTIMATORS`. In the
    file its options stand beside its name: ``estimator: {name: mean, variable: loss}``."""

    select: list[Mapping[str, Any]] = Field(min_length=1)
    """Cells of the grid that are each estimated and judged; the claim's verdict sums them up. In the file a
    list of values gives a cell for each of them, which may be a pair; left out, all data are one cell."""

    options: Mapping[str, Any] = {}
    """What the estimator is told, as a model of its own says."""

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

    @property
    def place(self) -> str:
        """Where it is written."""
        return f"{_file(self.problem)}: {self.id}"

    @field_validator("estimator")
    @classmethod
    def _is_known(cls, estimator: str) -> str:
        if estimator not in ESTIMATORS:
            raise ValueError(unknown(estimator, ESTIMATORS, "estimator"))
        return estimator

    @model_validator(mode="after")
    def _cells_fit_the_estimator(self) -> Self:
        paired = ESTIMATORS[self.estimator].paired
        for cell in self.select:
            pairs = [value for value in cell.values() if isinstance(value, list)]
            if paired and list(map(len, pairs)) != [2]:
                raise ValueError(
                    f"{self.estimator} compares two values of one axis (dim: [[5, 10]]), not {dict(cell)}"
                )
            if not paired and pairs:
                raise ValueError(f"{self.estimator} takes one value of each axis; not {dict(cell)}")
        return self


class Named(BaseModel, extra="allow", strict=True):
    """An estimator with its options beside its name."""

    name: str


class Group(BaseModel, extra="allow", strict=True):
    """Claims that share the keys beside them; a claim may have its own value of one."""

    claims: list[dict[str, Any]] = Field(min_length=1)
    """Each claim, with what it does not share."""


Groups = RootModel[list[Group]]

Model = TypeVar("Model", bound=BaseModel)


def read_claims(problems: Sequence[str]) -> list[Claim]:
    """The claims of those ``problems`` that have any; a :class:`ConfigError` explains all mistakes."""
    claims: list[Claim] = []
    mistakes: list[str] = []
    for problem in problems:
        for number, content in enumerate(_contents(problem), 1):
            place = f"{_file(problem)}: {content.get('id', f'claim {number}')}"
            try:
                claims.append(_claim({**content, "problem": problem}, place))
            except ConfigError as error:
                mistakes.append(str(error))
    uses = Counter(claim.id for claim in claims)
    mistakes += [f"{claim.place}: this id is used more than once" for claim in claims if uses[claim.id] > 1]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return claims


def check_data(claims: list[Claim], files: Mapping[str, set[str] | None]) -> None:
    """Check that the files and axes that ``claims`` name exist; a :class:`ConfigError` says which do not.

    Parameters
    ----------
    files : the axes of each metrics file, None where they are not known before it is made.
    """
    for claim in claims:
        if claim.data not in files:
            raise ConfigError(f"{claim.place}.data {claim.data}: {unknown(claim.data, files, 'file')}")
        axes = files[claim.data]
        for axis in {axis for cell in claim.select for axis in cell}:
            if axes is not None and axis not in axes:
                raise ConfigError(f"{claim.place}.select {axis}: {unknown(axis, axes, 'key')}")


def _file(problem: str) -> Path:
    return Path(os.path.relpath(FOLDER / problem / "claims.yaml"))


def _contents(problem: str) -> list[dict[str, Any]]:
    """The keys of each claim of ``problem``, with those it shares."""
    file = _file(problem)
    if not file.exists():
        return []
    groups = _checked(Groups, read_yaml(str(file)), f"{file}: groups")
    return [{**(group.model_extra or {}), **claim} for group in groups.root for claim in group.claims]


def _claim(content: dict[str, Any], place: str) -> Claim:
    if "options" in content:
        raise ConfigError(f"{place}.options: options are written beside the name of the estimator")
    estimator = _checked(Named, content.get("estimator", {}), f"{place}.estimator")
    select = _cells(content.get("select", {}))
    claim = _checked(Claim, {**content, "estimator": estimator.name, "select": select}, place)
    options = _checked(ESTIMATORS[claim.estimator].options, estimator.model_extra, f"{place}.estimator")
    return claim.model_copy(update={"options": options.model_dump()})


def _checked(model: type[Model], content: Any, place: str) -> Model:
    """``content`` as ``model``; a :class:`ConfigError` says what is wrong at ``place``."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(explain(error, model, lambda keys: ".".join([place, *keys]))) from None


def _cells(select: Any) -> list[Any]:
    """The cells of the products in ``select``; what is none stays as it is."""
    if isinstance(select, list):
        return [cell for part in select for cell in _cells(part)]
    return cells(select) if isinstance(select, Mapping) else [select]
