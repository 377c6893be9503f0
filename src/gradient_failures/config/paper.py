"""The whole configuration: every key that ``config/config.yaml`` may hold."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError, model_validator

from gradient_failures.config.allocation import AllocationConfig
from gradient_failures.config.base import Experiment, Strict
from gradient_failures.config.errors import ConfigError, explain
from gradient_failures.config.parity import ParityConfig
from gradient_failures.config.realisability import RealisabilityConfig


class PaperConfig(Strict):
    """Configuration of the reproduction."""

    parity: ParityConfig
    """Learning random parities (§2.1, figure 1)."""

    allocation: AllocationConfig
    """Allocating money among stocks (supplement A, figure 7 ICML = 4 extended)."""

    realisability: RealisabilityConfig
    """The network class can represent every parity (lemma 3)."""

    def experiments(self) -> dict[str, Experiment]:
        """The training experiments by name."""
        return {name: part for name, part in self if isinstance(part, Experiment)}

    @model_validator(mode="after")
    def _one_file_for_each_name(self) -> Self:
        diagnostics = [name for name, part in self if not isinstance(part, Experiment)]
        sweeps = [sweep for experiment in self.experiments().values() for sweep in experiment.sweeps]
        taken = [name for name, count in Counter(diagnostics + sweeps).items() if count > 1]
        if taken:
            raise ValueError(
                f"two sweeps or diagnostics are called {', '.join(taken)}, "
                "and both would write results/metrics/NAME.nc"
            )
        return self


def _typed(value: Any) -> Any:
    """``value`` with numbers given as text read as numbers: Snakemake's --config hands them over as text."""
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return _scalar(value) if isinstance(value, str) else value


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def validated(config: Mapping[str, Any]) -> PaperConfig:
    """Check ``config``; a :class:`ConfigError` says what is wrong, one line for each mistake."""
    try:
        return PaperConfig.model_validate(_typed(config))
    except ValidationError as error:
        raise ConfigError(explain(error, PaperConfig)) from None
