"""What all settings share, and how they are labelled in the data."""

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

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


def unique(values: list[Any]) -> list[Any]:
    """``values``, each of which must be there once."""
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"lists {', '.join(repeated)} more than once; each grid point is one run")
    return values


Values = Annotated[list[T], Field(min_length=1), AfterValidator(unique)]
"""Values that one job measures at: at least one, each once."""


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


class Settings(Strict):
    """All that decides what a job computes, but for its seeds. Each of them may be an axis of a grid.

    A field's ``title`` is its long name in the data; without one, the first sentence of its docstring is.
    """

    @property
    def priority(self) -> int:
        """Of the jobs that wait, the highest start first: samples that a run trains on, 0 if none."""
        return 0


class TrainingSettings(Settings):
    """Settings of a training run, which runs on the device that the configuration names."""

    steps: PositiveInt
    """Training steps of one run."""

    eval_every: PositiveInt
    """Steps between two evaluations; the first is at step 0, the last at the final step."""

    batch_size: PositiveInt
    """Samples in each training step."""

    @property
    def priority(self) -> int:
        """Samples that a run trains on."""
        return self.steps * self.batch_size

    @model_validator(mode="after")
    def _evaluated_within_the_run(self) -> Self:
        every, steps = self.eval_every, self.steps
        if every > steps:
            raise ValueError(f"eval_every {every} is larger than steps {steps}; allowed: 1 to {steps}")
        return self


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``settings`` by dotted name: ``{"optimiser": {"epsilon": 1}}`` becomes ``{"optimiser.epsilon": 1}``."""
    items: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        items |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return items


def as_coordinate(value: Any) -> Any:
    """``value`` of a setting as the coordinate of a dataset: lists become text, like ``100-100``."""
    return "-".join(map(str, value)) if isinstance(value, list) else value


def long_name(settings: Settings, name: str) -> str:
    """The long name of the setting ``name``, which may be dotted."""
    first, _, rest = name.partition(".")
    if rest:
        return long_name(getattr(settings, first), rest)
    field = type(settings).model_fields[first]
    if field.title:
        return field.title
    sentence = (field.description or first.replace("_", " ")).split(". ")[0].split("; ")[0].rstrip(".")
    return sentence[0].lower() + sentence[1:]
