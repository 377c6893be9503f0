"""Learning random parities (§2, figure 1), with theorem 1 and lemma 3."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.parity.settings import (
    GradientVarianceSettings,
    ParitySettings,
    RealisabilitySettings,
)

PROBLEM = Problem(
    computations={
        "experiment": ParitySettings,
        "gradient_variance": GradientVarianceSettings,
        "realisability": RealisabilitySettings,
    },
    sections={
        "parity": ("Parity", ("experiment",)),
        "realisability": ("Lemma 3", ("realisability",)),
        "gradient_variance": ("Theorem 1", ("gradient_variance",)),
    },
    figures={
        "parity": Figure(
            "Figure 1: accuracy on random parities by input dimension, and how often they are learnt",
            {"parity": ("dim",), "parity_subset_size": ("dim", "fixed_subset_size")},
            published=True,
        ),
        "parity_variants": Figure(
            "Accuracy on parities with deeper and wider networks, and with both encodings of the input",
            {"parity_architecture": ("dim", "architecture"), "parity_encoding": ("dim", "input_encoding")},
        ),
        "gradient_variance": Figure(
            "Theorem 1: variance of the gradient across all parities, with its bound",
            {"gradient_variance": ()},
        ),
    },
)
