"""Flat activations: learning through a step function (§5 and figure 7 of the extended version)."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.flat_activations.settings import FlatActivationsSettings, ForwardOnlySettings

PROBLEM = Problem(
    computations={"experiment": FlatActivationsSettings, "forward_only": ForwardOnlySettings},
    sections={
        "flat_activations": ("Flat activations", ("experiment",)),
        "forward_only": ("Forward-only", ("forward_only",)),
    },
    figures={
        "flat_activations": Figure(
            "Figure 7 of the extended version: learning through a step function by four methods",
            {"flat_activations": ("approach",)},
            published=True,
        ),
        "forward_only": Figure(
            "Convergence of the forward-only update on staircases of Lipschitz constant L",
            {"forward_only": ()},
        ),
    },
)
