"""Settings of what is computed on tuples of line images (§3, figures 2 to 4, theorem 3)."""

from typing import Annotated, Literal, get_args

from pydantic import Field, PositiveInt

from gradient_failures.config.base import Settings, TrainingSettings, Values
from gradient_failures.config.optimisers import AdamConfig

TupleLength = Annotated[int, Field(ge=1, le=100)]
Rasterisation = Literal["released", "text"]
RASTERISATIONS: tuple[Rasterisation, ...] = get_args(Rasterisation)
InitialScale = Literal["released", "fan_in"]
ShortLength = Annotated[int, Field(ge=1, le=20)]
Dimension = Annotated[int, Field(ge=2, le=5000)]

FLOAT32_RESOLUTION = 2.0**-48
"""The SNR at which the signal is as large as the rounding of one gradient to float32, 2^-24 of its size."""


class TuplesSettings(TrainingSettings):
    """Learning the product of the labels of k images (§3.1)."""

    approach: Annotated[Literal["end_to_end", "decomposition"], Field(title="source of the gradient")]
    """What is minimised: "end_to_end" the hinge loss of the tuple's label alone, "decomposition" its sum with
    the hinge loss of the scores against the labels of the images."""

    tuple_length: Annotated[TupleLength, Field(title="images in a tuple, k")]
    """Images in a tuple, k (§3.1)."""

    rasterisation: Annotated[Rasterisation, Field(title="how coordinates become pixels")] = "released"
    """"released" truncates the coordinates of pixels and draws centres from [0, 28)², as the released code
    does (the default); "text" rounds them and draws centres from [0, 27]²."""

    training_set: Annotated[Literal["fresh", "fixed"], Field(title="tuples trained on")] = "fresh"
    """"fresh" draws new tuples at every step (the default); "fixed" draws batches from a fixed set, as the
    released code does."""

    initial_scale: Annotated[InitialScale, Field(title="initial scale of the convolutions")] = "released"
    """Standard deviation of the initial weights of the convolutions: "released" is 1/√28 and 1/√16 (the
    default), "fan_in" 1/√25 and 1/√400."""

    batch_size: PositiveInt
    """Tuples in each step."""

    eval_tuples: PositiveInt
    """Fresh tuples in each evaluation."""

    fixed_tuples: PositiveInt
    """Size of the fixed training set, where one is used."""

    optimiser: AdamConfig
    """Adam, as in the released settings."""

    @property
    def priority(self) -> int:
        """Images that a run trains on."""
        return super().priority * self.tuple_length


class ImageCeilingSettings(Settings):
    """How well the slope of a line can be told from its image at best (ours; §3.1 has the images)."""

    images: PositiveInt
    """Images drawn for each rasterisation; half of them learn the best answers, half test them."""

    tuple_length: Values[TupleLength]
    """Images in a tuple, k, for which the best accuracy on tuples follows."""


class SnrSettings(Settings):
    """Signal and noise of the gradient in the weights of N1's last layer, before training (§3.2)."""

    tuple_length: Values[TupleLength]
    """Images in a tuple, k."""

    blocks: Annotated[int, Field(ge=3)]
    """Independent blocks of tuples at each initialisation; intervals come from their scatter."""

    tuples_per_block: Annotated[int, Field(ge=20)]
    """Tuples in a block, enough to have both labels in each place. Memory grows with it, not with blocks."""


class GaussianTuplesSettings(Settings):
    """What the gradient says of u when Gaussian k-tuples carry the label Π sign⟨u, x_l⟩ (theorem 3)."""

    tuple_length: Values[ShortLength]
    """Inputs in a tuple, k, in rising order."""

    dim: Values[Dimension]
    """Dimensions d of one input, in rising order; the images of §3.1 have 784."""

    sampled_dim: Values[Dimension]
    """Dimensions at which the variance is estimated from samples too."""

    pairs: Annotated[int, Field(ge=2)]
    """Independent pairs of targets behind each estimate."""

    tuples_per_pair: Annotated[int, Field(ge=2)]
    """Tuples drawn for each pair; shared by its two targets."""


class LemmasSettings(Settings):
    """Lemmas 1 and 2 for products of k signs of Gaussian vectors (supplement B.2)."""

    dim: Values[Annotated[int, Field(ge=2)]]
    """Dimensions d of the vectors u and of the inputs."""

    tuple_length: Values[ShortLength]
    """Lengths k of the tuples."""

    functions: Annotated[int, Field(ge=2)]
    """Functions h_u of one class, for vectors u drawn uniformly from the unit sphere; a seed is a class."""

    cosine: Values[Annotated[float, Field(gt=0, le=1)]]
    """Inner products of the two unit vectors of lemma 2."""

    samples: PositiveInt
    """Gaussian inputs for the second method of lemma 2."""
