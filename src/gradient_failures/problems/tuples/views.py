"""What the report shows of the tuples of images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures.claims.text import interval, number
from gradient_failures.problems.tuples.settings import FEW_RUNS, FLOAT32_RESOLUTION
from gradient_failures.report.tables import late_mean, learning_rows
from gradient_failures.results import statistics

LEARNT = 0.85
"""Accuracy on pairs that tells runs that learn from those at chance."""


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """What each section shows, by its anchor."""
    return {
        "tuples": {
            "settings": config["experiment"]["settings"],
            **_sweep(data["tuples"], data["image_ceiling"]),
            "long_steps": int(data["tuples_long"]["last_step"].max()),
            **_pairs(data["tuples_pairs"]),
            **_best(data["image_ceiling"]),
            "quadruples": _quadruples(data["tuples"], data["image_ceiling"], results),
        },
        "snr": {"settings": config["snr"]["settings"], **_snr(data["snr"])},
        "gaussian_tuples": {
            "settings": config["gaussian_tuples"]["settings"],
            **_variances(data["gaussian_tuples"]),
        },
        "lemmas": {"settings": config["lemmas"]["settings"], **_lemmas(data["lemmas"])},
    }


def _sweep(tuples: xr.Dataset, image_ceiling: xr.Dataset) -> dict[str, Any]:
    """Sizes of the runs of figure 3, and rows of k, the late accuracy of both approaches and the best one."""
    approaches, lengths = ["end_to_end", "decomposition"], tuples["tuple_length"].values.tolist()
    return {
        "lengths": lengths,
        "seeds": tuples.sizes["seed"],
        "each_run": tuples.sizes["seed"] < FEW_RUNS,
        "steps": {name: int(tuples["last_step"].sel(approach=name).max()) for name in approaches},
        "late_accuracy": [
            [
                str(k),
                *(
                    interval(late_mean(tuples.sel(tuple_length=k, approach=name), "accuracy"))
                    for name in approaches
                ),
                _shown(_best_on_tuples(image_ceiling, k)),
            ]
            for k in lengths
        ],
    }


def _pairs(tuples_pairs: xr.Dataset) -> dict[str, Any]:
    """How many runs of end-to-end training learn pairs, and when."""
    accuracy = tuples_pairs["accuracy"].sel(approach="end_to_end")
    passages = statistics.first_passage(accuracy, LEARNT)
    return {
        "level": LEARNT,
        "learning": learning_rows(accuracy, LEARNT),
        "pairs_learnt": int(np.isfinite(passages).sum()),
        "pairs_runs": passages.size,
        "pairs_steps": int(tuples_pairs["last_step"].max()),
    }


def _best(image_ceiling: xr.Dataset) -> dict[str, float]:
    """The best accuracy on single images, and the images in a hundred that do not give their label away."""
    released = image_ceiling.sel(rasterisation="released")
    return {
        "best": float(released["accuracy"]),
        "ambiguous_percent": 100 * float(released["ambiguous_share"]),
    }


def _best_on_tuples(image_ceiling: xr.Dataset, tuple_length: int) -> float | None:
    """The best accuracy possible on tuples of this length, if it is in the data."""
    best = image_ceiling["tuple_accuracy"].sel(rasterisation="released")
    return float(best.sel(tuple_length=tuple_length)) if tuple_length in best["tuple_length"] else None


def _quadruples(
    tuples: xr.Dataset, image_ceiling: xr.Dataset, results: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The late accuracy on quadruples by decomposition, and the criterion that it does not decide, if so."""
    best = _best_on_tuples(image_ceiling, 4)
    if best is None or 4 not in tuples["tuple_length"]:
        return None
    judged = results["tuples-decomposition-k4"]
    undecided = judged["verdict"] == "INCONCLUSIVE"
    return {
        "accuracy": late_mean(tuples.sel(approach="decomposition", tuple_length=4), "accuracy"),
        "best": best,
        "undecided": judged["claim"]["criterion"]["at_least"] if undecided else None,
    }


def _snr(snr: xr.Dataset) -> dict[str, Any]:
    """Sizes of the estimates, their limits, and a row for each k."""
    tuples, lengths = int(snr["tuples"].max()), snr["tuple_length"].values.tolist()
    return {
        "seeds": snr.sizes["seed"],
        "lengths": lengths,
        "tuples": tuples,
        "floor": 1 / tuples,
        "rows": [[str(k), *_snr_cells(snr.sel(estimator="recombined", tuple_length=k))] for k in lengths],
        "float32_resolution": FLOAT32_RESOLUTION,
        "inside_percent": 100 * float(snr["inside_margin"].min()),
    }


def _snr_cells(cell: xr.Dataset) -> list[str]:
    """The mean SNR of both approaches, and how far that of end-to-end training is above what can be seen."""
    end_to_end, decomposition = (cell.sel(approach=name) for name in ("end_to_end", "decomposition"))
    mean = statistics.geometric_mean(end_to_end["snr"])
    return [
        interval(statistics.geometric_mean(decomposition["snr"])),
        interval(mean),
        f"{int((end_to_end['snr_lower_limit'] <= 0).sum())} of {cell.sizes['seed']}",
        number(float(end_to_end["snr_upper_limit"].max())),
        number(1 / mean.value),
        interval(statistics.mean(end_to_end["plug_in_over_floor"])),
    ]


def _variances(gaussian_tuples: xr.Dataset) -> dict[str, Any]:
    """The largest dimension, rows of k and the variances there, and how many estimates may be of 0."""
    largest = gaussian_tuples.sel(dim=gaussian_tuples["dim"].max())
    columns = (
        largest["variance"].sel(predictor="product"),
        largest["variance"].sel(predictor="best"),
        largest["bound"],
    )
    return {
        "largest": int(largest["dim"]),
        "hidden": int((gaussian_tuples["sampled_low"] <= 0).sum()),
        "estimates": gaussian_tuples["sampled_low"].size,
        "rows": [
            [str(k), *(number(float(column.sel(tuple_length=k))) for column in columns)]
            for k in largest["tuple_length"].values
        ],
    }


def _lemmas(lemmas: xr.Dataset) -> dict[str, Any]:
    """Where lemma 1 was checked, and the standard errors by which samples are off the identity of lemma 2."""
    deviation = lemmas["sampled_share_of_bound_2"] - lemmas["share_of_bound_2"]
    return {
        "dims": lemmas["dim"].values.tolist(),
        "lengths": lemmas["tuple_length"].values.tolist(),
        "largest_deviation": float(abs(deviation / lemmas["sampling_error"]).max()),
    }


def _shown(value: float | None) -> str:
    return "–" if value is None else number(value)
