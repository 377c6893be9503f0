"""Toy datasets on parities, small enough to see what figures and views make of them."""

import numpy as np

from gradient_failures.results.dataset import labelled

STEPS = [0, 10, 20, 30, 40]


def runs(draw=0, seeds=3, **axes):
    """Accuracies below 0.9 that are all different."""
    shape = (*map(len, axes.values()), seeds, len(STEPS))
    values = 0.41 + 0.45 * np.random.default_rng(draw).random(shape)
    return labelled(
        {"accuracy": ((*axes, "seed", "step"), values, "the accuracy")},
        {
            **{name: (values, f"the {name}") for name, values in axes.items()},
            "seed": (range(seeds), "seed"),
            "step": (STEPS, "training steps"),
        },
    )


def parity():
    """At d = 5 all runs reach 0.9 and one 0.99, at d = 10 one reaches 0.9, at d = 20 none does."""
    data = runs(dim=[5, 10, 20])
    accuracy = data["accuracy"].values
    accuracy[0, :, 2:] = np.array([0.91, 0.92, 0.93])[:, np.newaxis]
    accuracy[0, 1, 3:] = 0.99
    accuracy[1, 2, 4] = 0.9
    return data


def parity_subset_size():
    """At the larger dimension two runs on pairs learn, one on triples."""
    data = runs(draw=1, dim=[20, 30], fixed_subset_size=[2, 3, 7])
    accuracy = data["accuracy"].values
    accuracy[0] = 1
    accuracy[1, 0, :2, 1:] = 1
    accuracy[1, 1, 0, 3:] = 0.95
    return data


def realisability():
    """Three dimensions with all inputs, two with samples."""
    grid = ("construction", "dim")
    return labelled(
        {
            "error_rate": (grid, [[0.0, 0.01, 0.0, 0.002, 0.0], [0.75, 0.5, 0.4, 0.3, 0.2]], "errors"),
            "smallest_margin": (grid, [[1.0, 0.9, 1.0, 0.8, 1.0], [-1.0] * 5], "margin"),
            "exhaustive": ("dim", [1, 1, 0, 1, 0], "whether"),
        },
        {
            "construction": (["corrected", "published"], "version"),
            "dim": ([1, 2, 3, 6, 30], "input dimension d"),
        },
    )


def gradient_variance():
    """Positive values that are all different, over two architectures and three seeds."""
    rng, axes = np.random.default_rng(0), {
        "seed": [0, 1, 2],
        "architecture": ["10d", "40d"],
        "dim": [2, 10, 20],
        "loss": ["squared", "hinge"],
        "trained_dim": [3, 5, 15],
        "enumerated_dim": [3, 5],
        "step": [0, 4000],
        "subset_size": range(6),
    }  # fmt: skip
    initial, trained = ("seed", "architecture", "dim"), ("seed", "trained_dim", "step")
    dims = {
        **dict.fromkeys(("bound", "sgd_noise", "run_noise", "variance_over_run_noise"), initial),
        "float32_resolution": initial,
        **dict.fromkeys(("variance", "variance_error", "variance_over_bound"), (*initial, "loss")),
        "decay_rate": ("seed", "loss", "architecture"),
        "trained_variance": (*trained, "loss"),
        "trained_bound": trained,
        "enumerated_variance": ("seed", "enumerated_dim", "step", "loss"),
        "signal_by_size": ("seed", "loss", "subset_size"),
    }
    return labelled(
        {
            name: (over, 0.1 + rng.random([len(axes[axis]) for axis in over]), name)
            for name, over in dims.items()
        },
        {name: (values, f"the {name}") for name, values in axes.items()},
    )
