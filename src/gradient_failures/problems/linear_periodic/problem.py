"""Linear-periodic targets: theorem 2."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.linear_periodic.settings import GradientVarianceSettings

PROBLEM = Problem(
    computations={"gradient_variance": GradientVarianceSettings},
    sections={"linear_periodic": ("Theorem 2", ("gradient_variance",))},
    figures={
        "linear_periodic": Figure(
            "Theorem 2: linear-periodic targets, their loss surface, and what its gradient says of them",
            {"linear_periodic": ()},
        ),
    },
)
