"""Averages over the unit sphere of functions of one angle."""

from functools import cache

import numpy as np
from scipy.special import roots_legendre

NODES = 1000

_roots_legendre = cache(roots_legendre)


def sphere_angles(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the angle between a fixed direction and a uniform unit vector of R^dim.

    The angle has the density sin(θ)^(dim - 2) up to a constant; Gauss-Legendre in θ keeps the relative
    precision of the smallest weights, next to the poles.

    Returns
    -------
    Angles in (0, π) and weights that sum to 1, both of shape (NODES,).
    """
    nodes, weights = _roots_legendre(NODES)
    angles = np.pi * (nodes + 1) / 2
    weights = weights * np.sin(angles) ** (dim - 2)
    return angles, weights / weights.sum()
