"""The whole configuration: every key that ``config/config.yaml`` may hold."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, create_model, model_validator

from gradient_failures.config.base import Strict
from gradient_failures.config.errors import ConfigError, explain
from gradient_failures.config.grids import Computation, ComputationConfig
from gradient_failures.config.problem import Figure, problems

OTHERS = "benchmarks|config|docs|profiles|src|tests|workflow"
"""Folders of the project that hold no results."""

INSIDE = rf"^(?!\.|({OTHERS})(/|$))(?!.*/\.\.(/|$))[\w.+-]+(/[\w.+-]+)*$"
"""A path into another folder that does not go up, without signs that shells or Snakemake take for more."""


def _inside_the_project(folder: str) -> str:
    if not re.fullmatch(INSIDE, folder):
        raise ValueError(
            "it should be a folder of its own inside the project, named with letters, digits and ._+-; "
            "for another place, make a link to it: ln -s PLACE results"
        )
    return folder


Folder = Annotated[str, AfterValidator(_inside_the_project), Field(json_schema_extra={"pattern": INSIDE})]


class Folders(Strict):
    """Where a run writes; a run at other sizes keeps its own folders, so neither overwrites the other."""

    results: Folder
    """Runs, metrics, figures, verdicts and the report."""

    logs: Folder
    """A log of each job, and beside it what it cost: seconds and memory, as Snakemake measures them."""

    @model_validator(mode="after")
    def _all_are_moved_together(self) -> Self:
        stay = [name for name, folder in self if folder == name]
        if 0 < len(stay) < len(type(self).model_fields):
            raise ValueError(
                f"{' and '.join(stay)} would be shared with the run in the usual folders, whose files this "
                "one would replace; name results and logs both"
            )
        return self


class RunConfig(Strict):
    """Where a run writes, and on what it trains."""

    pathvars: Folders
    """Folders in the project, by Snakemake's name for such variables. Any may be a link to another place."""

    device: Annotated[str, Field(pattern=r"^(cpu|auto|cuda(:\d+)?|mps)$")]
    """Where runs train: cpu, cuda (any free GPU), cuda:N, mps, or auto, the best that the machine has."""

    jobs_per_gpu: Annotated[int, Field(ge=1)]
    """How many jobs may share a GPU."""


@dataclass(frozen=True)
class Paper:
    """The validated configuration.

    Parameters
    ----------
    run : where it writes and trains.
    computations : those of all problems, in the order of the configuration.
    config : all of it in plain types.
    """

    run: RunConfig
    computations: list[Computation]
    config: Mapping[str, Any]

    @property
    def problems(self) -> list[str]:
        """Names of the problems, in the order of the configuration."""
        return list(dict.fromkeys(computation.problem for computation in self.computations))

    @property
    def grids(self) -> dict[str, Computation]:
        """The computation of each grid by the grid's name."""
        return {name: computation for computation in self.computations for name in computation.config.grids}

    @property
    def figures(self) -> dict[str, tuple[str, Figure]]:
        """Problem and description of each figure by name."""
        return {
            name: (problem, figure)
            for problem in self.problems
            for name, figure in problems()[problem].figures.items()
        }

    def grids_without_figure(self, problem: str) -> list[str]:
        """The grids of ``problem`` with runs that no figure is drawn from."""
        drawn = {grid for _, figure in self.figures.values() for grid in figure.grids}
        return [
            name
            for name, computation in self.grids.items()
            if computation.problem == problem and computation.trains and name not in drawn
        ]

    def files(self) -> dict[str, set[str] | None]:
        """The metrics files by name, with their axes; None where a computation adds dimensions of its own."""
        return {
            name: set(computation.axes(name)) if computation.trains else None
            for name, computation in self.grids.items()
        }


@cache
def config_model() -> type[RunConfig]:
    """The model of the whole configuration: that of a run, and for each problem its computations."""
    fields: dict[str, Any] = {}
    for name, problem in problems().items():
        computations: dict[str, Any] = {key: (ComputationConfig, ...) for key in problem.computations}
        fields[name] = (create_model(name, __base__=Strict, **computations), ...)
    return create_model("PaperConfig", __base__=RunConfig, **fields)


def validated(config: Mapping[str, Any]) -> Paper:
    """Check ``config``; a :class:`ConfigError` says what is wrong, one line for each mistake."""
    model, typed = config_model(), _typed(config)
    try:
        checked = model.model_validate(typed)
    except ValidationError as error:
        raise ConfigError(explain(error, model)) from None
    computations = [
        Computation(problem, name, settings, getattr(getattr(checked, problem), name))
        for problem in typed
        if problem in problems()
        for name, settings in problems()[problem].computations.items()
    ]
    plain = checked.model_dump(exclude_none=True)
    paper = Paper(checked, computations, {key: plain[key] for key in typed})
    if mistakes := list(_mistakes(paper)):
        raise ConfigError("\n".join(mistakes))
    return paper


def _mistakes(paper: Paper) -> Iterator[str]:
    """Impossible points, grids of one name, and what figures are drawn from but the configuration lacks."""
    for computation in paper.computations:
        try:
            _ = computation.points
        except ConfigError as error:
            yield str(error)
    names = Counter(name for computation in paper.computations for name in computation.config.grids)
    for name, count in names.items():
        if count > 1:
            yield f"two grids are called {name}, and both would write metrics/{name}.nc"
    for name, (problem, figure) in paper.figures.items():
        for grid, axes in figure.grids.items():
            if grid not in paper.grids:
                yield f"{problem}: the grid {grid} is missing; the figure {name} is drawn from it"
            elif set(axes) != set(paper.grids[grid].axes(grid)):
                yield (
                    f"{problem}.{paper.grids[grid].name}.grids.{grid} must have the axes "
                    f"{', '.join(axes) or 'none'} for the figure {name}; "
                    "give a grid over other axes a name of its own"
                )


def _typed(value: Any) -> Any:
    """``value`` with numbers given as text read as numbers: Snakemake's --config hands them over as text."""
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        scalar = json.loads(value)
    except ValueError:
        return value
    return value if isinstance(scalar, dict | list) else scalar
