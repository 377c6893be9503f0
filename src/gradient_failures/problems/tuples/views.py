"""What the report shows of the tuples of images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from gradient_failures.claims.text import interval, number
from gradient_failures.problems.tuples.settings import FLOAT32_RESOLUTION
from gradient_failures.report.tables import late_mean, learning_rows
from gradient_failures.results import statistics
from gradient_failures.results.runs import FEW_RUNS

LEARNT = 0.85
"""Accuracy on pairs that tells runs that learn from those at chance."""


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """What each section shows, by its anchor."""
    return {
        "tuples": _tuples(data, results) | {"settings": config["experiment"]["settings"]},
        "snr": _snr(data["snr"]) | {"settings": config["snr"]["settings"]},
        "gaussian_tuples": _variances(data["gaussian_tuples"])
        | {"settings": config["gaussian_tuples"]["settings"]},
        "lemmas": _lemmas(data["lemmas"]) | {"settings": config["lemmas"]["settings"]},
    }


def _tuples(data: Mapping[str, xr.Dataset], results: Mapping[str, Any]) -> dict[str, Any]:
    """Sizes of the runs, what they and the best classifier reach, and how many learn pairs, and when."""
    tuples, pairs = data["tuples"], data["tuples_pairs"].sel(approach="end_to_end")
    approaches = {name: tuples.sel(approach=name) for name in ("end_to_end", "decomposition")}
    lengths = tuples["tuple_length"].values.tolist()
    ceiling = data["image_ceiling"].sel(rasterisation="released")
    best = ceiling["tuple_accuracy"].to_series().to_dict()
    passages = statistics.first_passage(pairs["accuracy"], LEARNT)
    return {
        "lengths": lengths,
        "seeds": tuples.sizes["seed"],
        "each_run": tuples.sizes["seed"] < FEW_RUNS,
        "steps": {name: int(runs["last_step"].max()) for name, runs in approaches.items()},
        "long_steps": int(data["tuples_long"]["last_step"].max()),
        "late_accuracy": [
            [
                str(k),
                *(interval(late_mean(runs.sel(tuple_length=k), "accuracy")) for runs in approaches.values()),
                number(best[k]) if k in best else "–",
            ]
            for k in lengths
        ],
        "level": LEARNT,
        "learning": learning_rows(pairs["accuracy"], LEARNT),
        "pairs_learnt": int(np.isfinite(passages).sum()),
        "pairs_runs": passages.size,
        "pairs_steps": int(pairs["last_step"].max()),
        "best": float(ceiling["accuracy"]),
        "ambiguous_percent": 100 * float(ceiling["ambiguous_share"]),
        "quadruples": _quadruples(approaches["decomposition"], best, results),
    }


def _quadruples(
    runs: xr.Dataset, best: Mapping[int, float], results: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The late accuracy of ``runs`` on quadruples, and the criterion that it does not decide, if so."""
    if 4 not in runs["tuple_length"] or 4 not in best:
        return None
    judged = results["tuples-decomposition-k4"]
    undecided = judged["verdict"] == "INCONCLUSIVE"
    return {
        "accuracy": late_mean(runs.sel(tuple_length=4), "accuracy"),
        "best": best[4],
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
    product, best = largest["variance"].sel(predictor=["product", "best"]).values
    columns = (largest["tuple_length"].values, product, best, largest["bound"].values)
    return {
        "largest": int(largest["dim"]),
        "hidden": int((gaussian_tuples["sampled_low"] <= 0).sum()),
        "estimates": gaussian_tuples["sampled_low"].size,
        "rows": [[str(k), *map(number, values)] for k, *values in zip(*columns, strict=True)],
    }


def _lemmas(lemmas: xr.Dataset) -> dict[str, Any]:
    """Where lemma 1 was checked, and the standard errors by which samples are off the identity of lemma 2."""
    deviation = lemmas["sampled_share_of_bound_2"] - lemmas["share_of_bound_2"]
    return {
        "dims": lemmas["dim"].values.tolist(),
        "lengths": lemmas["tuple_length"].values.tolist(),
        "largest_deviation": float(abs(deviation / lemmas["sampling_error"]).max()),
    }
