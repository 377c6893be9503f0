"""Piecewise-linear curves and their conditioning (§4, figure 5 ICML = 6 extended)."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.curves.settings import ConditioningSettings, CurvesSettings, SgdStepsSettings

PROBLEM = Problem(
    computations={
        "experiment": CurvesSettings,
        "conditioning": ConditioningSettings,
        "sgd_steps": SgdStepsSettings,
    },
    sections={
        "curves": ("Curves", ("experiment",)),
        "conditioning": ("Conditioning", ("conditioning", "sgd_steps")),
    },
    figures={
        "curves": Figure(
            "Figure 5 (6 extended): encoding piecewise-linear curves",
            {
                "curves": ("approach",),
                "curves_linear_sgd": ("approach",),
                "curves_linear_adagrad": ("approach",),
                "curves_preconditioned_sgd": ("approach",),
            },
            published=True,
        ),
        "conditioning": Figure(
            "Conditioning of the problems on curves, and the steps it costs",
            {"conditioning": (), "sgd_steps": ("n_points",)},
        ),
    },
)
