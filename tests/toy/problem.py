"""The toy: a coin."""

from gradient_failures.problems.coin.settings import CoinSettings

from gradient_failures.config.problem import Figure, Problem

PROBLEM = Problem(
    computations={"experiment": CoinSettings},
    sections={"coin": ("Coin", ("experiment",))},
    figures={"coin": Figure("A coin is learnt", {"coin": ("chance",)})},
)
