"""The whole configuration: every key that ``config/config.yaml`` may hold."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from gradient_failures.config.allocation import AllocationConfig
from gradient_failures.config.base import Diagnostic, Experiment, Strict
from gradient_failures.config.conditioning import ConditioningConfig
from gradient_failures.config.curve_steps import CurveStepsConfig
from gradient_failures.config.curves import CurvesConfig
from gradient_failures.config.errors import ConfigError, explain
from gradient_failures.config.estimator_noise import EstimatorNoiseConfig
from gradient_failures.config.forward_only import ForwardOnlyConfig
from gradient_failures.config.gaussian_tuples import GaussianTuplesConfig
from gradient_failures.config.gradient_variance import GradientVarianceConfig
from gradient_failures.config.image_ceiling import ImageCeilingConfig
from gradient_failures.config.lemmas import LemmasConfig
from gradient_failures.config.linear_periodic import LinearPeriodicConfig
from gradient_failures.config.loss_surfaces import LossSurfacesConfig
from gradient_failures.config.parity import ParityConfig
from gradient_failures.config.realisability import RealisabilityConfig
from gradient_failures.config.snr import SnrConfig
from gradient_failures.config.steps import StepsConfig
from gradient_failures.config.tuples import TuplesConfig

OTHERS = "config|docs|profiles|src|tests|workflow"
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
    """One log for each job."""

    benchmarks: Folder
    """Seconds and memory of each job, as Snakemake measures them."""

    @model_validator(mode="after")
    def _all_are_moved_together(self) -> Self:
        stay = [name for name, folder in self if folder == name]
        if 0 < len(stay) < len(type(self).model_fields):
            raise ValueError(
                f"{' and '.join(stay)} would be shared with the run in the usual folders, whose files this "
                "one would replace; name results, logs and benchmarks all three"
            )
        return self


class PaperConfig(Strict):
    """Configuration of the reproduction."""

    pathvars: Folders
    """Folders in the project, by Snakemake's name for such variables. Any may be a link to another place."""

    device: Annotated[str, Field(pattern=r"^(cpu|auto|cuda(:\d+)?|mps)$")]
    """Where runs train: cpu, cuda (any free card), cuda:N, mps, or auto, the best that the machine has."""

    jobs_per_card: Annotated[int, Field(ge=1)]
    """How many jobs may share a graphics card."""

    parity: ParityConfig
    """Learning random parities (§2.1, figure 1)."""

    allocation: AllocationConfig
    """Allocating money among stocks (supplement A, figure 7 ICML = 4 extended)."""

    tuples: TuplesConfig
    """Tuples of line images, end-to-end and by decomposition (§3.1, figures 2 and 3)."""

    steps: StepsConfig
    """Flat activations: learning through a step function (figure 7 extended)."""
    curves: CurvesConfig
    """Finding the kinks of piecewise-linear curves (§4, figure 5 ICML = 6 extended)."""

    realisability: RealisabilityConfig
    """The network class can represent every parity (lemma 3)."""

    estimator_noise: EstimatorNoiseConfig
    """Bias and noise of the two gradient estimates of the allocation problem (supplement A)."""

    conditioning: ConditioningConfig
    """Condition numbers of the problems on curves (§4)."""

    curve_steps: CurveStepsConfig
    """SGD on curves of more and more points, with and without preconditioning (§4)."""

    forward_only: ForwardOnlyConfig
    """Convergence of the forward-only update (§5 extended)."""

    image_ceiling: ImageCeilingConfig
    """The best accuracy possible on images of lines (ours, for §3.1)."""

    lemmas: LemmasConfig
    """Lemmas 1 and 2, behind theorem 3 (supplement B.2)."""

    gradient_variance: GradientVarianceConfig
    """Variance of the gradient across parity targets (theorem 1)."""

    linear_periodic: LinearPeriodicConfig
    """Variance of the gradient across linear-periodic targets (theorem 2)."""

    gaussian_tuples: GaussianTuplesConfig
    """Variance of the gradient across products of linear labels (theorem 3)."""

    loss_surfaces: LossSurfacesConfig
    """The graphical summary (figure 6 ICML)."""

    snr: SnrConfig
    """Signal-to-noise ratio of the gradients on tuples of images (§3.2, figure 4 ICML = 5 extended)."""

    def experiments(self) -> dict[str, Experiment]:
        """The training experiments by name."""
        return {name: part for name, part in self if isinstance(part, Experiment)}

    def diagnostics(self) -> dict[str, Diagnostic]:
        """The diagnostics by name."""
        return {name: part for name, part in self if isinstance(part, Diagnostic)}

    def files(self) -> dict[str, set[str] | None]:
        """The metrics files by name, with their axes; None for those of diagnostics."""
        sweeps = [item for experiment in self.experiments().values() for item in experiment.sweeps.items()]
        return {**{name: set(sweep.axes()) for name, sweep in sweeps}, **dict.fromkeys(self.diagnostics())}

    @model_validator(mode="after")
    def _one_file_for_each_name(self) -> Self:
        sweeps = [sweep for experiment in self.experiments().values() for sweep in experiment.sweeps]
        taken = [name for name, count in Counter([*self.diagnostics(), *sweeps]).items() if count > 1]
        if taken:
            raise ValueError(
                f"two sweeps or diagnostics are called {', '.join(taken)}, "
                "and both would write metrics/NAME.nc"
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
