"""Grids of points: what each computation of the paper is run at, as ``config/config.yaml`` writes it.

Settings come in layers, of which later ones win: ``settings`` of the computation, ``settings_by`` the value
of one of them, ``settings`` of a grid, and the point of the grid.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from gradient_failures.config.base import FileName, Settings, Strict, TrainingSettings, as_coordinate, flat
from gradient_failures.config.errors import ConfigError, explain

Layer = Mapping[str, Any]

RESERVED = {"seed", "step", "method", "drop", "tolerance"}
"""Names that no axis may have: dimensions of every run, and words that ``Dataset.sel`` keeps for itself."""


class Grid(BaseModel):
    """A grid over settings: each key but ``seeds`` and ``settings`` is an axis, with the values it runs over.

    Its file ``metrics/NAME.nc`` has one dimension for each axis. A setting in a mapping is named with a dot,
    as in ``optimiser.epsilon: [1.0e-8, 1.0e-5]``.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, use_attribute_docstrings=True)

    seeds: PositiveInt | None = None
    """Independent runs at every grid point: seeds 0 to seeds - 1. Left out where nothing is random."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of this grid that differ from those of the computation."""

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of each axis, in any order: overlays change that of keys."""
        return self.model_extra or {}

    @model_validator(mode="after")
    def _axes_are_lists_of_different_values(self) -> Self:
        for axis, values in self.axes.items():
            if axis in RESERVED:
                raise ValueError(f"{axis} cannot be an axis: the data keep this name for something else")
            if not isinstance(values, list) or not values:
                raise ValueError(f"{axis} should be a list of one value or more, not {values!r}")
            labels = [as_coordinate(value) for value in values]
            if any(value is None or isinstance(value, dict) for value in labels):
                raise ValueError(
                    f"{axis} should list numbers, words, or lists of them; name a key of a mapping with a dot"
                )
            repeated = sorted({str(label) for label in labels if labels.count(label) > 1})
            if repeated:
                raise ValueError(
                    f"{axis} lists {', '.join(repeated)} more than once; each grid point is one run"
                )
        return self


class ComputationConfig(Strict):
    """One computation of a problem: its settings, the grids it is run over, and the seeds of one job."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of every run."""

    settings_by: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    """Settings that go with the value of another one: ``{approach: {decomposition: {steps: 2500}}}``."""

    grids: dict[FileName, Grid]
    """Grids by name; each becomes ``metrics/NAME.nc``. Runs that several grids share are made once."""

    seeds_per_job: PositiveInt = 1
    """Seeds of one job: one after another on the CPU, side by side on a GPU. Metrics do not depend on it, on
    a GPU but for rounding. A job costs 2 core-seconds to start, so blocks keep that small beside the work;
    another size names other files, which are computed again."""


@dataclass(frozen=True)
class Point:
    """A grid point: its place on the axes, all settings there, and the name of its folder."""

    axes: Mapping[str, Any]
    settings: Settings
    name: str


@dataclass(frozen=True)
class Run:
    """What one job computes: a point of a grid, for a block of seeds; no seeds where nothing is random."""

    point: Point
    seeds: tuple[int, ...]

    @property
    def path(self) -> str:
        """Name of its file in the folder of its computation, without the suffix."""
        block = f"{self.seeds[0]}-{self.seeds[-1]}" if self.seeds else "none"
        return f"{self.point.name}/seeds~{block}"


@dataclass(frozen=True)
class Computation:
    """One computation, ready to be expanded into jobs.

    Parameters
    ----------
    problem, name : its module is ``gradient_failures.problems.PROBLEM.NAME``.
    model : the model of its settings.
    """

    problem: str
    name: str
    model: type[Settings]
    config: ComputationConfig

    @property
    def rule(self) -> str:
        """Name of the rule of its jobs."""
        return f"compute_{self.problem}_{self.name}"

    @property
    def trains(self) -> bool:
        """Whether its jobs train, on the device of the configuration."""
        return issubclass(self.model, TrainingSettings)

    @cached_property
    def points(self) -> dict[str, list[Point]]:
        """The points of each grid, the last axis fastest; a :class:`ConfigError` explains all mistakes."""
        mistakes: dict[str, str] = {}
        points: dict[str, list[Point]] = {}
        for name in self.config.grids:
            points[name], axes = [], self.axes(name)
            for values in itertools.product(*axes.values()):
                try:
                    points[name].append(self._point(name, dict(zip(axes, values, strict=True))))
                except ConfigError as error:
                    for line in str(error).splitlines():
                        of_grid = line.removeprefix(f"{self.problem}.{self.name}.grids.{name}: ")
                        mistakes.setdefault(of_grid, line)
        if mistakes:
            raise ConfigError("\n".join(mistakes.values()))
        return points

    def axes(self, grid: str) -> dict[str, list[Any]]:
        """The values of each axis of ``grid``, in the order of the settings."""
        places = {name: place for place, name in enumerate(self.model.model_fields)}
        axes = self.config.grids[grid].axes
        order = sorted(axes, key=lambda axis: (places.get(axis.partition(".")[0], len(places)), axis))
        return {axis: axes[axis] for axis in order}

    def runs(self, grid: str) -> list[Run]:
        """The jobs that make up ``grid``, seeds running fastest."""
        seeds, size = range(self.config.grids[grid].seeds or 0), self.config.seeds_per_job
        blocks = [tuple(seeds[first : first + size]) for first in seeds[::size]] or [()]
        return [Run(point, block) for point in self.points[grid] for block in blocks]

    @cached_property
    def all_runs(self) -> dict[str, Run]:
        """The jobs of all grids by path, each once."""
        return {run.path: run for grid in self.points for run in self.runs(grid)}

    def _point(self, grid: str, axes: dict[str, Any]) -> Point:
        base = {"settings": self.config.settings}
        own = {f"grids.{grid}.settings": self.config.grids[grid].settings, f"grids.{grid}": nested(axes)}
        chosen = merged(*base.values(), *own.values())
        by = {
            f"settings_by.{name}.{value}": choices[value]
            for name, choices in self.config.settings_by.items()
            if (value := chosen.get(name)) in choices
        }
        layers = base | by | own
        merged_layers = merged(*layers.values())

        def written_as(location: list[str]) -> str:
            """The key in the layer that has the last word on it."""
            keys = written(location, merged_layers)
            owners = [where for where, layer in layers.items() if holds(layer, keys)]
            owner = (owners or ["settings"])[-1] if keys else f"grids.{grid}"
            return ".".join([self.problem, self.name, owner, *keys])

        try:
            settings = self.model.model_validate(merged_layers)
        except ValidationError as error:
            raise ConfigError(explain(error, self.model, written_as)) from None
        name = self._name(settings, merged(*base.values(), *by.values()), merged(*own.values()))
        return Point(axes, settings, name)

    def _name(self, settings: Settings, default: Layer, own: Layer) -> str:
        """What tells the point from the default settings: ``dim~30+fixed_subset_size~3``.

        A comma would not do: Snakemake takes it for the end of a wildcard when it submits a job to a cluster.
        """
        chosen = flat(own)
        usual = dict(self.model.model_construct()) | flat(default)
        parts = [
            f"{name}~{as_coordinate(value)}"
            for name, value in flat(settings.model_dump()).items()
            if name in chosen and (name not in usual or usual[name] != value)
        ]
        return "+".join(parts) or "default"


def merged(*layers: Layer) -> dict[str, Any]:
    """The layers in one, later ones winning key by key; a mapping of another ``kind`` is replaced."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            before = result.get(key)
            if isinstance(before, Mapping) and isinstance(value, Mapping):
                same_kind = value.get("kind", before.get("kind")) == before.get("kind")
                value = merged(before, value) if same_kind else value
            result[key] = value
    return result


def nested(items: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of which ``items`` are the values by dotted name."""
    result: dict[str, Any] = {}
    for name, value in items.items():
        for key in reversed(name.split(".")):
            value = {key: value}
        result = merged(result, value)
    return result


def written(location: list[str], settings: Layer) -> list[str]:
    """``location`` without the names of kinds, which pydantic adds and ``settings`` do not have as keys."""
    keys, node = [], settings
    for key in location:
        if key in node or key == location[-1]:
            keys.append(key)
            node = node[key] if isinstance(node.get(key), Mapping) else {}
    return keys


def holds(layer: Any, keys: list[str]) -> bool:
    """Whether ``layer`` has a value at ``keys``, or at the place that it is in."""
    for key in keys:
        if not isinstance(layer, Mapping):
            return True
        if key not in layer:
            return False
        layer = layer[key]
    return True
