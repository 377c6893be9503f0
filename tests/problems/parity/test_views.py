"""What the report says of parities, from toy datasets."""

import numpy as np
import pytest

from gradient_failures.claims.text import interval, number
from gradient_failures.problems.parity import views
from gradient_failures.results import statistics
from gradient_failures.results.dataset import labelled
from problems.parity import toy
from problems.sections import rendered

TRAINING = {"learning_rate": 0.01, "batch_size": 128, "steps": 2500, "eval_every": 100, "eval_samples": 2000}
CONFIG = {
    "experiment": {"settings": TRAINING},
    "gradient_variance": {
        "settings": {"enumerable_dim": 12, "sampled_inputs": 8192, "training": {**TRAINING, "steps": 50000}}
    },
}
RESULTS = {"parity-d30-not-learnt": {"claim": {"options": {"level": 0.9}}}}


def view():
    names = ("parity", "parity_subset_size", "realisability", "gradient_variance")
    return views.view({name: getattr(toy, name)() for name in names}, CONFIG, RESULTS)


def test_how_often_and_how_fast_parities_are_learnt():
    shown = view()["learning"]
    share = [interval(statistics.rate(learnt, 3)) for learnt in range(4)]
    assert shown["by_dimension"] == [
        ["5", "3", share[3], "20", "20", "20"],
        ["10", "3", share[1], "never", "40", "never"],
        ["20", "3", share[0], "never", "never", "never"],
    ]
    assert shown["by_subset_size"] == [
        ["2", "3", share[2], "10", "10", "never"],
        ["3", "3", share[1], "never", "30", "never"],
        ["7", "3", share[0], "never", "never", "never"],
    ]
    assert (shown["dims"], shown["seeds"], shown["level"], shown["hardest"]) == ([5, 10, 20], 3, "0.90", 30)


def test_the_explicit_network():
    assert view()["lemma"] == {
        "exhaustive_dim": 6,
        "sampled_dims": [3, 30],
        "largest_error": 0.01,
        "smallest_margin": 0.8,
        "published_error": 0.75,
    }


def test_the_variance_and_what_it_competes_with():
    data, shown = toy.gradient_variance(), view()["variance"]
    at = data.sel(architecture="10d", dim=20)
    signal = at["variance"].sel(loss="hinge").values / at["float32_resolution"].values
    assert shown["over_rounding"] == pytest.approx(np.median(signal))
    assert shown["over_run_noise"] == pytest.approx(np.median(at["variance_over_run_noise"].values))
    assert shown["sampling_error"] == pytest.approx(
        max((data["variance_error"].values / data["variance"].values).ravel())
    )
    for name, row in zip(("10d", "40d"), shown["decay_rates"], strict=True):
        rates = (data["decay_rate"].sel(architecture=name, loss=loss) for loss in ("squared", "hinge"))
        assert row == [name, *(interval(statistics.mean(rate)) for rate in rates)]
    for size, row in enumerate(shown["signals"]):
        signals = (data["signal_by_size"].sel(subset_size=size, loss=loss) for loss in ("squared", "hinge"))
        assert row == [str(size), *(number(float(np.median(signal))) for signal in signals)]
    assert len(shown["signals"]) == 6
    counts = {name: shown[name] for name in ("smallest_dim", "largest_dim", "seeds", "enumerated_dim")}
    assert counts == {"smallest_dim": 2, "largest_dim": 20, "seeds": 3, "enumerated_dim": 5}
    assert (shown["architectures"], shown["checkpoints"]) == (["10d", "40d"], [0, 4000])
    squared = data["signal_by_size"].sel(loss="squared")
    assert shown["share_of_small_targets"] == round(100 * views.share_of_small_targets(squared))


def test_the_share_of_small_targets_counts_each_target():
    """Of 16 targets 1, 4 and 6 have at most two bits, 4 and 1 have more."""
    signal = labelled(
        {"signal": (("seed", "subset_size"), [[1, 1, 1, 1, 1], [0, 0, 1, 3, 0], [8, 2, 0, 0, 16]], "signal")},
        {"seed": ([0, 1, 2], "seed"), "subset_size": (range(5), "size")},
    )["signal"]
    shares = [11 / 16, 6 / 18, 16 / 32]
    for seed, share in enumerate(shares):
        assert views.share_of_small_targets(signal.sel(seed=[seed])) == pytest.approx(share)
    assert views.share_of_small_targets(signal) == pytest.approx(0.5)


def test_the_sections_show_what_the_views_found():
    section, variance = rendered(views, view=view(), reduced=False), view()["variance"]
    for text in (
        "SGD with step size 0.01 on 128 fresh samples a step, 2\u202f500 steps, evaluated every 100 on",
        "on 2\u202f000 fresh samples; d = 5, 10 and 20",
        "d = 5, 10 and 20 with 3 seeds each",
        "figure parity (Accuracy against training steps, one panel for each of d = 5, 10 and 20,",
        "figure parity_variants",
        "Steps to accuracy 0.90 by dimension, v* uniform: [0, 0, 0]",
        "Steps to accuracy 0.90 by subset size, d = 30: [0, 0, 0]",
        "inputs up to d = 6, and on samples at d = 3 and 30",
        "share of wrong labels is 0.01, its smallest margin 0.8.",
        "(3/4)<sup>d</sup>, up to 0.75",
        "10d and 40d at initial weights for d = 2 to 20, and 10d along training, after 0 and 4000 steps;",
        "Up to d = 12 all inputs are enumerated",
        "8\u202f192 inputs are sampled",
        f"relative standard error of at most {number(variance['sampling_error'])}.",
        "figure gradient_variance",
        "gradient of one batch of 128, that of the average over all batches of a run of 50\u202f000 steps",
        "at initial weights, mean over seeds [95 %]: [0, 0]",
        f"target at d = 20: the variance is {number(variance['over_rounding'])} times the square",
        f"the variance is {number(variance['over_run_noise'])} times what remains",
        f"at d = 5 those of at most two bits have {variance['share_of_small_targets']} %",
        "Signal of one target at d = 5 and initial weights",
        "median over seeds: [0, 0, 0, 0, 0, 0]",
        *(f'<section id="{name}">' for name in ("parity", "realisability", "gradient_variance")),
        *(f"evidence of {name}" for name in ("parity", "realisability", "gradient_variance")),
        "Seen after the runs",
    ):
        assert text in section
    assert "Seen after the runs" not in rendered(views, view=view(), reduced=True)
