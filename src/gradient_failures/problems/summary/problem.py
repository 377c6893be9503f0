"""The graphical summary (figure 6 ICML): four reasons of failure, each on an object of another problem."""

from gradient_failures.config.problem import Figure, Problem
from gradient_failures.problems.summary.settings import LossSurfacesSettings

PROBLEM = Problem(
    computations={"loss_surfaces": LossSurfacesSettings},
    sections={"summary": ("In four pictures", ("loss_surfaces",))},
    figures={
        "loss_surfaces": Figure(
            "Figure 6 ICML: four reasons why gradients fail, each on a loss surface of its own problem",
            {"loss_surfaces": ()},
        ),
    },
)
