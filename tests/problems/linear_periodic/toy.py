"""A toy dataset on linear-periodic targets, small enough to see what figure and view make of it."""

import numpy as np

from gradient_failures.results.dataset import labelled


def linear_periodic():
    """Positive values that are all different, over seven dimensions and six norms; slopes below 0."""
    rng, axes = np.random.default_rng(0), {
        "first_weight": [-1.0, 0.0, 2.0],
        "second_weight": [-2.0, 1.0],
        "weights": ["initial", "worst"],
        "dim": [2, 3, 5, 7, 9, 11, 30],
        "radius": [1.0, 2.0, 3.0, 5.0, 7.0, 9.0],
        "joint_size": [2, 5, 10],
        "larger_dim": [3, 5, 7, 9, 11, 30],
        "larger_joint_size": [5, 10],
    }  # fmt: skip
    grid = ("dim", "radius")
    dims = {
        "surface": ("first_weight", "second_weight"),
        "variance": ("weights", *grid),
        "sampled_variance": grid,
        "sampled_error": grid,
        "joint_variance": ("joint_size",),
        "power_over_expected": ("dim",),
        "log_slope_in_dim": ("larger_dim", "radius"),
        "joint_log_slope": ("larger_joint_size",),
    }
    return labelled(
        {
            name: (
                over,
                (-1 if "slope" in name else 1) * (0.1 + rng.random([len(axes[axis]) for axis in over])),
                name,
            )
            for name, over in dims.items()
        },
        {name: (values, f"the {name}") for name, values in axes.items()},
    )
