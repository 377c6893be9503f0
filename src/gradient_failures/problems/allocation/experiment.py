"""Allocation among k stocks: two unbiased gradient estimates of different noise (supplement A, figure 7).

An input x, one of d unit vectors, moves the one stock y(x): its return z_y is 1, the other returns are ±1 at
random. A linear softmax model N(x) shares out the money; the loss is L = -E zᵀN(x).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.allocation.settings import AllocationSettings
from gradient_failures.training.checkpoint import Checkpoint, State
from gradient_failures.training.layers import truncated_normal
from gradient_failures.training.loop import Learner, fit
from gradient_failures.training.optimisers import Adam
from gradient_failures.training.seeds import streams

Settings = AllocationSettings

RETURNS_PER_DRAW = 2**21
"""How many returns are drawn at a time, if a step needs fewer: 10 MB, so that a draw itself costs little."""

VARIABLES = {"loss": "expected negative gain"}


def run(
    settings: AllocationSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Train one run for each of ``seeds``.

    Returns
    -------
    Dataset with ``loss`` (seed, step), exact, and what :func:`fit` adds.
    """
    return fit(seeds, partial(AllocationLearner, settings), settings, VARIABLES, checkpoint)


class AllocationLearner(Learner):
    """Runs of one approach. The two at one (n_stocks, seed) share labels, initial weights and inputs.

    Inputs of all seeds are numbered in one row: input i of the s-th seed is s · n_inputs + i.
    """

    def __init__(self, settings: AllocationSettings, seeds: Sequence[int]) -> None:
        self.settings, self.seeds = settings, seeds
        n_stocks, n_inputs = settings.n_stocks, settings.n_inputs
        label_streams, weight_streams, self.input_streams, self.return_streams = (
            streams("allocation", purpose, seeds, n_stocks=n_stocks, n_inputs=n_inputs)
            for purpose in ("labels", "weights", "inputs", "returns")
        )
        labels = np.concatenate([rng.integers(0, n_stocks, n_inputs) for rng in label_streams])
        self.labels = torch.as_tensor(labels)
        self.weights = torch.cat(
            [truncated_normal((n_inputs, n_stocks), n_inputs**-0.5, rng) for rng in weight_streams]
        )
        self.bias = torch.zeros(len(seeds), n_stocks)
        self.weights.grad, self.bias.grad = torch.zeros_like(self.weights), torch.zeros_like(self.bias)
        self.optimiser = Adam([self.weights, self.bias], settings.optimiser)

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps of Adam, each on a fresh batch."""
        returns_per_step = len(self.seeds) * self.settings.batch_size * self.bias.shape[1]
        steps_per_draw = max(1, RETURNS_PER_DRAW // returns_per_step)
        for first in range(0, steps, steps_per_draw):
            for batch in self._batches(min(steps_per_draw, steps - first)):
                self._step(*batch)

    def evaluate(self) -> dict[str, Tensor]:
        """The exact loss: E z_i = 0 but for the moved stock, so L is minus its mean share over all inputs."""
        moved = self._shares(self.weights).gather(1, self.labels[:, None])
        return {"loss": -moved.view(len(self.seeds), -1).cpu().double().mean(1)}

    def state(self) -> Mapping[str, State]:
        """Weights, optimiser, and streams of inputs and returns."""
        return {
            "weights": [self.weights, self.bias],
            "optimiser": self.optimiser.state,
            "inputs": self.input_streams,
            "returns": self.return_streams,
        }

    def _batches(self, count: int) -> Iterable[tuple[Tensor, Tensor, Tensor | None]]:
        """Numbers of inputs, labels and returns of ``count`` steps; in each the batches of all seeds."""
        n_inputs, shape = self.settings.n_inputs, (count, self.settings.batch_size)
        drawn = [
            index * n_inputs + rng.integers(0, n_inputs, shape)
            for index, rng in enumerate(self.input_streams)
        ]
        inputs = torch.as_tensor(np.concatenate(drawn, axis=1))
        labels = self.labels[inputs]
        if self.settings.approach == "decomposition":
            return zip(inputs, labels, repeat(None))
        returns = sample_returns(labels, self.bias.shape[1], self.return_streams)
        return zip(inputs, labels, returns, strict=True)

    def _step(self, inputs: Tensor, labels: Tensor, returns: Tensor | None) -> None:
        """One step on the batches of all seeds, shapes (seeds · batch,) and (seeds · batch, n_stocks)."""
        shares = self._shares(self.weights[inputs])
        gradient = logit_gradient(shares, labels, returns).div_(self.settings.batch_size)
        assert self.weights.grad is not None and self.bias.grad is not None
        self.weights.grad.index_add_(0, inputs, gradient)
        torch.sum(self._by_seed(gradient), 1, out=self.bias.grad)
        self.optimiser.step()
        self.weights.grad.index_fill_(0, inputs, 0)

    def _shares(self, weights: Tensor) -> Tensor:
        """N(x) for the inputs with these rows of weights, shape (seeds · n, n_stocks)."""
        return torch.softmax(self._by_seed(weights) + self.bias[:, None], dim=2).flatten(0, 1)

    def _by_seed(self, rows: Tensor) -> Tensor:
        return rows.view(len(self.seeds), -1, rows.shape[1])


def sample_returns(labels: Tensor, n_stocks: int, rngs: Sequence[np.random.Generator]) -> Tensor:
    """Returns z of batches, one from each of ``rngs``: ±1 at random, 1 at the stock that moves.

    Parameters
    ----------
    labels : the stock that moves, batch after batch, shape (n,), or (steps, n) for those of several steps.

    Returns
    -------
    Shape (n, n_stocks) or (steps, n, n_stocks), float32.
    """
    *steps, n = labels.shape
    shape = (*steps, n // len(rngs), -(-n_stocks // 64))
    words = np.concatenate([rng.integers(0, 2**64, size=shape, dtype=np.uint64) for rng in rngs], axis=-2)
    bits = torch.as_tensor(np.unpackbits(words.view(np.uint8), axis=-1, count=n_stocks).view(np.int8))
    return bits.mul_(2).sub_(1).scatter_(-1, labels.unsqueeze(-1), 1).float()


def logit_gradient(shares: Tensor, labels: Tensor, returns: Tensor | None) -> Tensor:
    """Gradient of each sample's loss with respect to the logits, shape (n, n_stocks).

    Parameters
    ----------
    shares : softmax outputs N (n, n_stocks).
    labels : the stock that moves (n,).
    returns : z for the end-to-end estimate ∇(-zᵀN); None for the decomposition estimate ∇(-N_y).
    """
    if returns is not None:
        gain = (shares * returns).sum(1, keepdim=True)
        return shares * (gain - returns)
    moved = shares.gather(1, labels[:, None])
    return (shares * moved).scatter_add_(1, labels[:, None], -moved)
