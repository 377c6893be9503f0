"""The two gradient estimates of the allocation problem: one mean, k times the second moment (supplement A).

Given the input, the end-to-end estimate differentiates the gain on returns z, the decomposition estimate the
share of the stock that moves. Norms are those of the gradient in the logits; the gradient in the parameters
of the softmax model has the same norms times a constant.
"""

from collections.abc import Sequence

import torch
import xarray as xr
from torch import Tensor

from gradient_failures.problems.allocation.experiment import logit_gradient, sample_returns
from gradient_failures.problems.allocation.settings import EstimatorNoiseSettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.layers import truncated_normal
from gradient_failures.training.seeds import stream

Settings = EstimatorNoiseSettings

VARIABLES = {
    "relative_bias": "bias of the end-to-end estimate along the gradient, relative to it",
    "ratio_by_stocks": "ratio of second moments, end-to-end over decomposition, divided by k",
    "expected_ratio_by_stocks": "the same ratio in expectation over the returns, divided by k",
}


def run(
    settings: EstimatorNoiseSettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Compare the estimates at initial weights, one sample of returns for each input.

    Returns
    -------
    Dataset of ``VARIABLES`` (n_stocks, seed), in float64. The bias is the projection of the mean end-to-end
    estimate on the decomposition gradient, relative to the latter, less 1; the expected ratio has the mean
    over the returns in closed form.
    """
    rows = [[_compare(k, settings.n_inputs, seed) for seed in seeds] for k in settings.n_stocks]
    return labelled(
        {
            name: (("n_stocks", "seed"), [[run[name] for run in row] for row in rows], text)
            for name, text in VARIABLES.items()
        },
        {
            "n_stocks": (settings.n_stocks, "number of stocks k"),
            "seed": (list(seeds), "number of the initialisation"),
        },
    )


def expected_second_moment(shares: Tensor, labels: Tensor) -> Tensor:
    """Mean over the returns of the squared norm of the end-to-end estimate, for each sample, shape (n,).

    The estimate is p_i (G - z_i) with G = Σ p_j z_j, z_y = 1 and the other z_i = ±1 with equal chances, so
    E (G - z_i)² = p_y² + Q - 2 p_i + 1 for i ≠ y and (1 - p_y)² + Q for i = y, where Q = Σ_{j≠y} p_j².

    Parameters
    ----------
    shares : softmax outputs p (n, k).
    labels : the stock y that moves (n,).
    """
    moved = shares.gather(1, labels[:, None])
    others = shares.scatter(1, labels[:, None], 0.0)
    square = others.square().sum(1, keepdim=True)
    of_others = others.square() * (moved.square() + square - 2 * others + 1)
    of_moved = moved.square() * ((1 - moved).square() + square)
    return of_others.sum(1) + of_moved.squeeze(1)


def _compare(n_stocks: int, n_inputs: int, seed: int) -> dict[str, float]:
    for_labels, for_weights, for_returns = (
        stream("estimator_noise", purpose, n_stocks=n_stocks, seed=seed)
        for purpose in ("labels", "weights", "returns")
    )
    labels = torch.from_numpy(for_labels.integers(0, n_stocks, n_inputs))
    weights = truncated_normal((n_inputs, n_stocks), n_inputs**-0.5, for_weights)
    shares = torch.softmax(weights.double(), 1)
    returns = sample_returns(labels, n_stocks, [for_returns]).double()
    end_to_end = logit_gradient(shares, labels, returns)
    decomposition = logit_gradient(shares, labels, None)
    norm = decomposition.square().sum()
    return {
        "relative_bias": ((end_to_end * decomposition).sum() / norm - 1).item(),
        "ratio_by_stocks": (end_to_end.square().sum() / norm).item() / n_stocks,
        "expected_ratio_by_stocks": (expected_second_moment(shares, labels).sum() / norm).item() / n_stocks,
    }
