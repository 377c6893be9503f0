"""What all configuration models share: strictness, and grids of points."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)


class Strict(BaseModel):
    """A model that refuses unknown keys and silent type conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


T = TypeVar("T")


def _unique(values: list[Any]) -> list[Any]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"lists {', '.join(repeated)} more than once; each grid point is one run")
    return values


Axis = Annotated[list[T], Field(min_length=1), AfterValidator(_unique)]
"""The values one axis of a grid runs over: at least one, each once."""


def _number_from_text(value: Any) -> Any:
    """YAML reads 1e-3 as text; take it as the number it is meant to be."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number_from_text)]
"""A finite number."""

PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number_from_text)]
"""A finite number above 0."""


FileName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A name that is also a file name: lower-case letters, digits and underscores."""


class Point(Strict):
    """One point of an experiment's grid. Axes left at their default are not part of its name."""

    def slug(self) -> str:
        """File name of this point, e.g. ``dim~30+fixed_subset_size~3``.

        A comma would not do: Snakemake takes it for the end of a wildcard when it submits a job to a cluster.
        """
        return "+".join(f"{axis}~{value}" for axis, value in self.model_dump(exclude_defaults=True).items())

    @classmethod
    def from_slug(cls, slug: str) -> Self:
        """The point that :meth:`slug` names."""
        return cls.model_validate_strings(coordinates(slug))


def coordinates(slug: str) -> dict[str, str]:
    """The axes that the name of a point holds, with their values as text."""
    return dict(axis.split("~", 1) for axis in slug.split("+"))


class Sweep(Strict):
    """A grid over an experiment's axes; its combined file has one dimension for each axis listed."""

    point: ClassVar[type[Point]]

    seeds: PositiveInt
    """Number of independent runs at every grid point: seeds 0 to seeds - 1."""

    def axes(self) -> dict[str, list[Any]]:
        """The axes listed, with their values, in the order of the model's fields."""
        return self.model_dump(exclude={"seeds"}, exclude_none=True)

    def points(self) -> list[Point]:
        """All grid points, the last axis running fastest."""
        axes = self.axes()
        return [
            self.point(**dict(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())
        ]

    @model_validator(mode="after")
    def _every_point_is_possible(self) -> Self:
        self.points()
        return self


class Training(Strict):
    """How long a run is and how often it is evaluated."""

    steps: PositiveInt
    """Training steps of one run."""

    eval_every: PositiveInt
    """Steps between two evaluations; the first is at step 0, the last at the final step."""

    @model_validator(mode="after")
    def _evaluated_within_the_run(self) -> Self:
        if self.eval_every > self.steps:
            raise ValueError(
                f"eval_every {self.eval_every} is larger than steps {self.steps}; allowed: 1 to {self.steps}"
            )
        return self


class Experiment(Strict):
    """An experiment: how one run is trained, and the grids it is trained over."""

    training_axis: ClassVar[str | None] = None
    """The axis whose values have settings of their own in ``training``; None where all runs share one."""

    evidence: ClassVar[Mapping[str, set[str]]] = {}
    """The sweeps that figures and claims read, each with its axes; their values are free."""

    training: Training | Mapping[Any, Training]
    sweeps: Mapping[FileName, Sweep]

    seeds_per_job: PositiveInt
    """Seeds trained by one job: one after another on the processor, side by side on a card. Metrics do not
    depend on it, on a card but for rounding. A job costs 2 core-seconds to start, so blocks keep that small
    beside the training; another size names other files, which are computed again."""

    def training_at(self, slug: str) -> Training:
        """The settings of the runs at the grid point that ``slug`` names."""
        if isinstance(self.training, Training):
            return self.training
        return self.training[coordinates(slug)[str(self.training_axis)]]

    def samples(self, slug: str, seeds: int) -> int:
        """Number of samples that a job trains on; of an experiment, jobs with more of them take longer."""
        training: Any = self.training_at(slug)
        return int(training.steps * training.batch_size * seeds)

    def training_of(self, sweep: str) -> dict[str, Any]:
        """The settings of the runs of a sweep; by the value of ``training_axis`` if there is one."""
        if isinstance(self.training, Training):
            return self.training.model_dump()
        values = self.sweeps[sweep].axes()[str(self.training_axis)]
        return {value: self.training[value].model_dump() for value in values}

    @model_validator(mode="after")
    def _evidence_is_there(self) -> Self:
        for name, axes in self.evidence.items():
            if name not in self.sweeps:
                raise ValueError(f"sweeps.{name} is missing: figures and claims need it")
            if set(self.sweeps[name].axes()) != axes:
                raise ValueError(
                    f"sweeps.{name} must have the axes {', '.join(sorted(axes))} for its figures and claims; "
                    "give a sweep over other axes a name of its own"
                )
        return self

    @model_validator(mode="after")
    def _every_run_has_settings(self) -> Self:
        if self.training_axis is None:
            return self
        for name, sweep in self.sweeps.items():
            missing = [value for value in sweep.axes()[self.training_axis] if value not in self.training]
            if missing:
                raise ValueError(f"sweeps.{name} needs settings for {', '.join(missing)} under training")
        return self


class Diagnostic(Strict):
    """A measurement that trains nothing; its file is ``metrics/NAME.nc`` for the name of its key."""


def seed_blocks(seeds: int, per_job: int) -> Iterator[range]:
    """Split seeds 0 … seeds - 1 into the blocks that one job trains each."""
    for first in range(0, seeds, per_job):
        yield range(first, min(first + per_job, seeds))
