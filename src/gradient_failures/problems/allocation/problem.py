"""Allocation among stocks: two gradient estimates of one mean (supplement A, figure 7 ICML = 4 extended)."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.allocation.settings import AllocationSettings, EstimatorNoiseSettings

PROBLEM = Problem(
    computations={"experiment": AllocationSettings, "estimator_noise": EstimatorNoiseSettings},
    sections={"allocation": ("Allocation", ("experiment", "estimator_noise"))},
    figures={
        "allocation": Figure(
            "Figure 7 (4 extended): end-to-end against decomposition on the allocation among stocks",
            {"allocation": ("approach", "n_stocks"), "estimator_noise": ()},
            published=True,
        ),
    },
)
