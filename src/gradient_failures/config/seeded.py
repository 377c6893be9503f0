"""Diagnostics that are split among jobs, as the runs of an experiment are."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import PositiveInt

from gradient_failures.config.base import Diagnostic, Strict, seed_blocks


class SeededDiagnostic(Diagnostic):
    """A measurement at several seeds; another number of seeds leaves the finished ones as they are."""

    axis: ClassVar[str | None] = None
    """The list in ``settings`` whose values are measured by jobs of their own; None where all are at once."""

    settings: Strict
    """What is measured at every seed."""

    seeds: PositiveInt
    """Number of seeds: 0 to seeds - 1."""

    seeds_per_job: PositiveInt
    """Seeds measured by one job, one after another. The results do not depend on it."""

    @property
    def part(self) -> str:
        """Name of what one job measures: {value} is that of the axis, {first} and {last} are seeds."""
        point = f"{self.axis}~{{value}}/" if self.axis else ""
        return point + "seeds~{first}-{last}"

    def parts(self) -> Iterator[str]:
        """Names of all parts; seeds run fastest."""
        for value in getattr(self.settings, self.axis) if self.axis else [None]:
            for block in seed_blocks(self.seeds, self.seeds_per_job):
                yield self.part.format(value=value, first=block[0], last=block[-1])

    def settings_at(self, value: str | None) -> dict[str, Any]:
        """The settings of the job at one value, given as text, of the axis."""
        settings = self.settings.model_dump()
        if self.axis is None:
            return settings
        return {**settings, self.axis: [item for item in settings[self.axis] if str(item) == value]}
