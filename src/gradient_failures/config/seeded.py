"""Diagnostics over seeds, split among jobs as the runs of an experiment are."""

from pydantic import PositiveInt

from gradient_failures.config.base import Diagnostic, Strict


class SeededDiagnostic(Diagnostic):
    """A measurement at several seeds; another number of seeds leaves the finished ones as they are."""

    settings: Strict
    """What is measured at every seed."""

    seeds: PositiveInt
    """Number of seeds: 0 to seeds - 1."""

    seeds_per_job: PositiveInt
    """Seeds measured by one job, one after another. The results do not depend on it."""
