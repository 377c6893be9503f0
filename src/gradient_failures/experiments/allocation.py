"""Allocation among k stocks: two unbiased gradient estimates of different noise (supplement A, figure 7).

An input x, one of d unit vectors, moves the one stock y(x): its return z_y is 1, the other returns are ±1 at
random. A linear softmax model N(x) shares out the money; the loss is L = -E zᵀN(x).
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from gradient_failures.checkpoint import Checkpoint, Part
from gradient_failures.config.allocation import AllocationPoint, AllocationTraining
from gradient_failures.layers import truncated_normal
from gradient_failures.optimisers import Adam
from gradient_failures.seeds import stream
from gradient_failures.training import Learner, fit_each

Point = AllocationPoint
Training = AllocationTraining

METRICS = {"loss": {"long_name": "expected negative gain", "units": "1"}}


def train(
    point: AllocationPoint,
    training: AllocationTraining,
    seeds: Iterable[int],
    checkpoint: Checkpoint | None = None,
) -> xr.Dataset:
    """Train one run for each of ``seeds`` at one grid point.

    Returns
    -------
    Dataset with ``loss`` (seed, step), exact, and ``diverged_at_step`` (seed).
    """
    return fit_each(
        seeds, lambda seed: AllocationLearner(point, training, seed), training, METRICS, checkpoint
    )


class AllocationLearner(Learner):
    """One run. The two approaches at one (n_stocks, seed) share labels, initial weights and inputs."""

    def __init__(self, point: AllocationPoint, training: AllocationTraining, seed: int) -> None:
        self.approach, self.training = point.approach, training
        problem = {"n_stocks": point.n_stocks, "n_inputs": training.n_inputs, "seed": seed}
        shape = (training.n_inputs, point.n_stocks)
        labels = stream("allocation", "labels", **problem).integers(0, point.n_stocks, training.n_inputs)
        self.labels = torch.as_tensor(labels)
        self.weights = truncated_normal(
            shape, training.n_inputs**-0.5, stream("allocation", "weights", **problem)
        )
        self.bias = torch.zeros(point.n_stocks)
        self.weights.grad, self.bias.grad = torch.zeros(shape), torch.zeros(point.n_stocks)
        self.optimiser = Adam([self.weights, self.bias], training.optimiser)
        self.input_stream = stream("allocation", "inputs", **problem)
        self.return_stream = stream("allocation", "returns", **problem)

    def advance(self, steps: int) -> None:
        """Take ``steps`` steps of Adam, each on a fresh batch."""
        size = self.training.batch_size
        for inputs in torch.as_tensor(self.input_stream.integers(0, self.training.n_inputs, (steps, size))):
            self._step(inputs)

    def evaluate(self) -> dict[str, float]:
        """The exact loss: E z_i = 0 but for the moved stock, so L is minus its mean share over all inputs."""
        shares = torch.softmax(self.weights + self.bias, dim=1)
        return {"loss": -shares.gather(1, self.labels[:, None]).cpu().double().mean().item()}

    def parts(self) -> Mapping[str, Part]:
        """Weights, optimiser, and streams of inputs and returns."""
        return {
            "weights": [self.weights, self.bias],
            "optimiser": self.optimiser,
            "inputs": self.input_stream,
            "returns": self.return_stream,
        }

    def _step(self, inputs: Tensor) -> None:
        """One step on a batch of ``inputs``, given as indices of unit vectors, shape (batch,)."""
        shares = torch.softmax(self.weights[inputs] + self.bias, dim=1)
        labels = self.labels[inputs]
        gradient = logit_gradient(shares, labels, self._returns(labels)).div_(len(inputs))
        assert self.weights.grad is not None and self.bias.grad is not None
        self.weights.grad.index_add_(0, inputs, gradient)
        self.bias.grad.copy_(gradient.sum(0))
        self.optimiser.step()
        self.weights.grad.index_fill_(0, inputs, 0)

    def _returns(self, labels: Tensor) -> Tensor | None:
        if self.approach == "decomposition":
            return None
        return sample_returns(labels, len(self.bias), self.return_stream)


def sample_returns(labels: Tensor, n_stocks: int, rng: np.random.Generator) -> Tensor:
    """Returns z of a batch: ±1 at random, 1 at the stock ``labels`` (n,) that moves; shape (n, n_stocks)."""
    words = rng.integers(0, 2**64, size=(len(labels), -(-n_stocks // 64)), dtype=np.uint64)
    bits = torch.as_tensor(np.unpackbits(words.view(np.uint8), axis=1, count=n_stocks)).float()
    return bits.mul_(2).sub_(1).scatter_(1, labels[:, None], 1.0)


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
