"""Tuples of line images, end-to-end and by decomposition (§3, figures 2 to 4), with theorem 3."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.tuples.settings import (
    GaussianTuplesSettings,
    ImageCeilingSettings,
    LemmasSettings,
    SnrSettings,
    TuplesSettings,
)

PROBLEM = Problem(
    computations={
        "experiment": TuplesSettings,
        "image_ceiling": ImageCeilingSettings,
        "snr": SnrSettings,
        "gaussian_tuples": GaussianTuplesSettings,
        "lemmas": LemmasSettings,
    },
    sections={
        "tuples": ("Tuples of images", ("experiment", "image_ceiling")),
        "snr": ("Signal-to-noise", ("snr",)),
        "gaussian_tuples": ("Theorem 3", ("gaussian_tuples",)),
        "lemmas": ("Lemmas 1 and 2", ("lemmas",)),
    },
    figures={
        "tuple_images": Figure(
            "Figure 2: images of lines, labelled by the sign of their slope", {"image_ceiling": ()}
        ),
        "tuples": Figure(
            "Figure 3: end-to-end training against decomposition on tuples of images",
            {"tuples": ("approach", "tuple_length"), "image_ceiling": ()},
            published=True,
        ),
        "tuple_variants": Figure(
            "Tuples: more seeds, longer runs, longer tuples, and the options of the released code",
            {
                "tuples_pairs": ("approach", "tuple_length"),
                "tuples_long": ("approach", "tuple_length"),
                "tuples_longer": ("approach", "tuple_length"),
                "tuples_rasterisation": ("approach", "tuple_length", "rasterisation"),
                "tuples_training_set": ("approach", "tuple_length", "training_set"),
                "tuples_initial_scale": ("approach", "tuple_length", "initial_scale"),
                "image_ceiling": (),
            },
        ),
        "snr": Figure(
            "Figure 4 (5 extended): signal-to-noise ratio of the gradients on tuples of images",
            {"snr": ()},
            published=True,
        ),
        "gaussian_tuples": Figure(
            "Theorem 3: variance of the gradient across products of linear labels", {"gaussian_tuples": ()}
        ),
    },
)
