"""Toy datasets on tuples, small enough to see what figures and views make of them."""

import numpy as np

from gradient_failures.results.dataset import labelled

STEPS = [0, 10, 20, 30, 40, 50, 60, 70, 80]
ENDS = {"end_to_end": 80, "decomposition": 40}


def runs(lengths, seeds, approaches=("end_to_end", "decomposition"), draw=0, **options):
    """Accuracies that are all different, up to the end of their approach."""
    axes = {"approach": list(approaches), "tuple_length": lengths, **options}
    rng, shape = np.random.default_rng(draw), (*map(len, axes.values()), seeds)
    last = np.ones(shape, int)
    for index, approach in enumerate(approaches):
        last[index] = ENDS[approach]
    trained, dims = np.array(STEPS) <= last[..., np.newaxis], (*axes, "seed", "step")
    return labelled(
        {
            "last_step": (dims[:-1], last, "last step"),
            **{
                name: (dims, np.where(trained, rng.random(trained.shape), np.nan), f"the {name}")
                for name in ("accuracy", "image_accuracy")
            },
        },
        {
            **{name: (values, name) for name, values in axes.items()},
            "seed": (range(seeds), "seed"),
            "step": (STEPS, "training steps"),
        },
    )


def image_ceiling():
    """Best accuracies on tuples of 1, 2 and 5 images, and three pictures of either label."""
    tuples = [[0.96, 0.91, 0.86], [0.7, 0.7, 0.7]]
    pictures = np.random.default_rng(1).integers(0, 2, (2, 3, 4, 5))
    return labelled(
        {
            "accuracy": ("rasterisation", [0.95, 0.6], "best accuracy"),
            "ambiguous_share": ("rasterisation", [0.1, 0.3], "share"),
            "tuple_accuracy": (("rasterisation", "tuple_length"), tuples, "best accuracy"),
            "sample_image": (("label", "example", "y", "x"), pictures, "whether"),
        },
        {
            "rasterisation": (["released", "text"], "way"),
            "tuple_length": ([1, 2, 5], "k"),
            "label": ([1, -1], "label"),
        },
    )


def snr():
    """Two lengths and three seeds; end-to-end at length 2, two of them are below detection."""
    rng, dims = np.random.default_rng(0), ("estimator", "approach", "tuple_length", "seed")
    value = 1e-3 * (1 + rng.random((2, 2, 2, 3)))
    low, high = value / (2 + rng.random(value.shape)), value * (2 + rng.random(value.shape))
    low[:, 0, 1, :2] *= -1
    value[0, 0, 1] = [-2e-3, 1e-3, 4e-3]
    return labelled(
        {
            "plug_in_over_floor": (dims[1:], 1 + rng.random(value.shape[1:]), "plug-in"),
            "inside_margin": (dims[1:], np.linspace(0.9, 1, 12).reshape(value.shape[1:]), "inside"),
            "snr": (dims, value, "snr"),
            "snr_lower_limit": (dims, low, "low"),
            "snr_upper_limit": (dims, high, "high"),
            "tuples": ("seed", [100] * 3, "tuples"),
        },
        {
            "estimator": (["sampled", "recombined"], "estimator"),
            "approach": (["end_to_end", "decomposition"], "approach"),
            "tuple_length": ([1, 2], "tuple length k"),
            "seed": ([0, 1, 2], "seed"),
        },
    )


def gaussian_tuples():
    """Two lengths and three dimensions; one of four estimates may be of 0."""
    rng, grid, sampled = np.random.default_rng(0), ("tuple_length", "dim"), ("tuple_length", "sampled_dim")
    return labelled(
        {
            "variance": (("predictor", *grid), 1 + rng.random((2, 2, 3)), "variance"),
            "bound": (grid, 3 + rng.random((2, 3)), "bound"),
            "second_moment": (grid, 2 + rng.random((2, 3)), "moment"),
            "sampled_variance": (sampled, [[1.0, 1.5], [1.2, 1.3]], "estimate"),
            "sampled_low": (sampled, [[0.5, -0.1], [0.9, 1.0]], "low"),
            "sampled_high": (sampled, [[1.7, 2.5], [1.4, 1.9]], "high"),
        },
        {
            "predictor": (["product", "best"], "predictor"),
            "tuple_length": ([1, 2], "length"),
            "dim": ([10, 20, 30], "dimension"),
            "sampled_dim": ([10, 30], "dimension"),
        },
    )


def lemmas():
    """Two samples, three and half a standard error from the identity."""
    return labelled(
        {
            "share_of_bound_2": ("cosine", [0.6, 0.8], "exact"),
            "sampled_share_of_bound_2": ("cosine", [0.3, 0.85], "sampled"),
            "sampling_error": ("cosine", [0.1, 0.1], "error"),
        },
        {"cosine": ([0.1, 0.9], "cosine"), "dim": ([10, 30], "d"), "tuple_length": ([1, 2, 3], "k")},
    )
