"""Learning how often a coin shows heads, by SGD."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from gradient_failures.problems.coin.settings import CoinSettings
from torch import Tensor

from gradient_failures.training.checkpoint import Checkpoint, State
from gradient_failures.training.loop import Learner, fit
from gradient_failures.training.seeds import streams

Settings = CoinSettings

VARIABLES = {"error": "distance from the chance of heads"}


def run(settings: CoinSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None) -> xr.Dataset:
    """Train one run for each of ``seeds``; ``error`` (seed, step)."""
    return fit(seeds, partial(CoinLearner, settings), settings, VARIABLES, checkpoint)


class CoinLearner(Learner):
    """Runs with one coin."""

    def __init__(self, settings: CoinSettings, seeds: Sequence[int]) -> None:
        self.settings = settings
        self.streams = streams("coin", "throws", seeds, chance=str(settings.chance))
        self.guess = torch.zeros(len(seeds), dtype=torch.float64)

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps, each on a batch of throws."""
        for _ in range(steps):
            throws = [rng.random(self.settings.batch_size) < self.settings.chance for rng in self.streams]
            gradient = self.guess - torch.from_numpy(np.mean(throws, axis=1))
            self.guess -= self.settings.learning_rate * gradient

    def evaluate(self) -> dict[str, Tensor]:
        """Distance from the truth."""
        return {"error": (self.guess - self.settings.chance).abs()}

    def state(self) -> Mapping[str, State]:
        """Guesses and streams."""
        return {"guess": self.guess, "streams": self.streams}
