"""Convergence of the forward-only update on flat activations (§5 of the extended version, slides).

The label is y = u(⟨w*, x⟩) with u monotone and L-Lipschitz; the update w ← w - η E[(u(⟨w, x⟩) - y) x] puts 1
for the derivative of u. As (u(a) - u(b))(a - b) ≥ (u(a) - u(b))²/L, the squared distance to w* falls by at
least η (2/L - η λmax) E[(u(⟨w, x⟩) - y)²], where λmax belongs to E[x xᵀ]: it never grows if η ≤ 2/(L λmax),
and with half of that some w among the first T has a root mean square error of at most L ‖w₀ - w*‖ √(λmax/T).
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from gradient_failures.problems.flat_activations.settings import ForwardOnlySettings
from gradient_failures.results.dataset import labelled
from gradient_failures.training.checkpoint import Checkpoint
from gradient_failures.training.seeds import stream

Settings = ForwardOnlySettings

STEP_SIZES = (1.0, 2.0)
"""Step sizes η times L λmax: that of the best guarantee, and the largest at which no distance grows."""

TREAD = 0.5
"""Height and width of a step of the staircase, in standard deviations of ⟨w*, x⟩."""

RECORDS = 60


def run(
    settings: ForwardOnlySettings, seeds: Sequence[int], checkpoint: Checkpoint | None = None
) -> xr.Dataset:
    """Run the update from w = 0 for every Lipschitz constant and step size.

    Returns
    -------
    Dataset in float64: ``distance`` to w*, relative to the first, and root mean square ``error`` (seed,
    lipschitz, step_size, iteration); ``guarantee`` (seed, lipschitz, iteration) for the step size 1;
    ``distance_increase`` of the relative distance in one update (seed, lipschitz, step_size);
    ``error_over_guarantee`` (seed, lipschitz), the largest for the smallest error so far at step size 1; and
    the ``activation`` u (lipschitz, r) over four treads.
    """
    shown = np.unique(np.geomspace(1, settings.iterations + 1, RECORDS).astype(int) - 1)
    distance, error, bound = map(np.stack, zip(*(_descents(settings, seed) for seed in seeds), strict=True))
    increase = np.diff(distance).max(-1)
    best = np.minimum.accumulate(error[:, :, STEP_SIZES.index(1.0)], axis=-1)
    lipschitz, r = np.array(settings.lipschitz), np.linspace(-2 * TREAD, 2 * TREAD, 2001)

    bounds, sizes = ("seed", "lipschitz", "iteration"), ("seed", "lipschitz", "step_size")
    return labelled(
        {
            "distance": ((*sizes, "iteration"), distance[..., shown], "‖w - w*‖ / ‖w₀ - w*‖"),
            "error": ((*sizes, "iteration"), error[..., shown], "root mean square error"),
            "guarantee": (bounds, bound[..., shown], "bound on the smallest error so far at step size 1"),
            "distance_increase": (sizes, increase, "largest increase of the relative distance in one update"),
            "error_over_guarantee": (
                ("seed", "lipschitz"),
                (best / bound).max(-1),
                "smallest error so far over its bound, the largest in any iteration",
            ),
            "activation": (("lipschitz", "r"), staircase(r, lipschitz[:, np.newaxis]), "u(r)"),
        },
        {
            "seed": (list(seeds), "seed of inputs and target"),
            "lipschitz": (lipschitz, "Lipschitz constant L of u"),
            "step_size": (list(STEP_SIZES), "step size η times L λmax"),
            "iteration": (shown, "updates"),
            "r": (r, "r"),
        },
    )


def staircase(values: np.ndarray, lipschitz: np.ndarray) -> np.ndarray:
    """Steps that rise with slope L and then are flat: the identity at L = 1, a step function at infinity."""
    step, within = np.divmod(values / TREAD, 1)
    return np.asarray(TREAD * (step + np.minimum(lipschitz * within, 1)))


def descend(
    inputs: np.ndarray,
    target: np.ndarray,
    activation: Callable[[np.ndarray], np.ndarray],
    learning_rates: np.ndarray,
    iterations: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to w* and root mean square error at every iteration, each (iterations + 1, runs).

    Parameters
    ----------
    inputs : the batch x (samples, d), which is the whole distribution.
    target : w* (d,).
    activation : u, applied to an array (samples, runs).
    learning_rates : η of each run (runs,).
    """
    weights = np.zeros((target.size, learning_rates.size))
    labels = activation(np.tile(inputs @ target[:, np.newaxis], learning_rates.size))
    distances, errors = np.empty((2, iterations + 1, learning_rates.size))
    for iteration in range(iterations + 1):
        residuals = activation(inputs @ weights) - labels
        distances[iteration] = np.linalg.norm(weights - target[:, np.newaxis], axis=0)
        errors[iteration] = np.sqrt(np.mean(residuals**2, axis=0))
        weights -= learning_rates * (inputs.T @ residuals) / len(inputs)
    return distances, errors


def guarantee(lipschitz: np.ndarray, distance: float, largest: float, iterations: np.ndarray) -> np.ndarray:
    """Bound on the smallest error of the iterations 0 … t at η = 1/(L λmax), shape (lipschitz, t).

    Parameters
    ----------
    distance : ‖w₀ - w*‖.
    largest : eigenvalue λmax of E[x xᵀ].
    """
    return np.asarray(lipschitz[:, np.newaxis] * distance * np.sqrt(largest / (iterations + 1)))


def _descents(settings: ForwardOnlySettings, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relative distance and error (lipschitz, step_size, iteration), and guarantee (lipschitz, iteration)."""
    rng = stream("forward_only", "problem", seed=seed)
    inputs = rng.standard_normal((settings.samples, settings.input_dim)) / np.sqrt(settings.input_dim)
    target = rng.standard_normal(settings.input_dim)
    largest = float(np.linalg.eigvalsh(inputs.T @ inputs / settings.samples)[-1])
    lipschitz = np.array(settings.lipschitz)
    steepness, step_sizes = map(np.ravel, np.meshgrid(lipschitz, STEP_SIZES, indexing="ij"))
    distances, errors = descend(
        inputs,
        target,
        lambda values: staircase(values, steepness),
        step_sizes / (steepness * largest),
        settings.iterations,
    )
    shape = (lipschitz.size, len(STEP_SIZES), settings.iterations + 1)
    bound = guarantee(lipschitz, distances[0, 0], largest, np.arange(settings.iterations + 1))
    return (distances / distances[0]).T.reshape(shape), errors.T.reshape(shape), bound
