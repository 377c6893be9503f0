"""Configuration of the experiment on tuples of line images (§3.1, figures 2 and 3)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Axis, Experiment, FileName, Point, Sweep, Training, coordinates
from gradient_failures.config.optimisers import AdamConfig

Approach = Literal["end_to_end", "decomposition", "end_to_end_long"]
TupleLength = Annotated[int, Field(ge=1, le=100)]
Rasterisation = Literal["released", "text"]
RASTERISATIONS: tuple[Rasterisation, ...] = get_args(Rasterisation)
TrainingSet = Literal["fresh", "fixed"]
InitialScale = Literal["released", "fan_in"]


class TuplesPoint(Point):
    """One grid point of the experiment on tuples."""

    approach: Approach
    tuple_length: TupleLength
    rasterisation: Rasterisation = "released"
    training_set: TrainingSet = "fresh"
    initial_scale: InitialScale = "released"


class TuplesSweep(Sweep):
    """A grid over the axes of the experiment on tuples."""

    point: ClassVar[type[Point]] = TuplesPoint

    approach: Axis[Approach]
    """What is minimised: "end_to_end" the hinge loss of the tuple's label alone, "decomposition" its sum with
    the hinge loss of the scores against the labels of the images; "end_to_end_long" is end_to_end at another
    budget."""

    tuple_length: Axis[TupleLength]
    """Images in a tuple, k (§3.1)."""

    rasterisation: Axis[Rasterisation] | None = None
    """"released" truncates the coordinates of pixels and draws centres from [0, 28)², as the released code
    does (the default); "text" rounds them and draws centres from [0, 27]²."""

    training_set: Axis[TrainingSet] | None = None
    """"fresh" draws new tuples at every step (the default); "fixed" draws batches from a fixed set, as the
    released code does."""

    initial_scale: Axis[InitialScale] | None = None
    """Standard deviation of the initial weights of the convolutions: "released" is 1/√28 and 1/√16 (the
    default), "fan_in" 1/√25 and 1/√400."""


class TuplesTraining(Training):
    """Hyper-parameters of every run of one approach (§3.1)."""

    batch_size: PositiveInt
    """Tuples in each step."""

    eval_tuples: PositiveInt
    """Fresh tuples in each evaluation."""

    fixed_tuples: PositiveInt
    """Size of the fixed training set, where one is used."""

    optimiser: AdamConfig
    """Adam, as in the released settings."""


class TuplesConfig(Experiment):
    """Tuples of line images: the label is the product of the labels of k images (§3.1)."""

    training_axis: ClassVar[str | None] = "approach"
    evidence: ClassVar[Mapping[str, set[str]]] = {
        "tuples": {"approach", "tuple_length"},
        "tuples_pairs": {"approach", "tuple_length"},
        "tuples_long": {"approach", "tuple_length"},
        "tuples_longer": {"approach", "tuple_length"},
        "tuples_rasterisation": {"approach", "tuple_length", "rasterisation"},
        "tuples_training_set": {"approach", "tuple_length", "training_set"},
        "tuples_initial_scale": {"approach", "tuple_length", "initial_scale"},
    }

    training: Mapping[Approach, TuplesTraining]
    """Hyper-parameters by approach."""

    sweeps: Mapping[FileName, TuplesSweep]
    """Grids by name; each becomes ``metrics/NAME.nc``."""

    def samples(self, slug: str, seeds: int) -> int:
        """Number of images that a job trains on."""
        return super().samples(slug, seeds) * int(coordinates(slug)["tuple_length"])
