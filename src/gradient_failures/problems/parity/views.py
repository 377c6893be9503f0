"""What the report shows of random parities, of theorem 1 and of lemma 3."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from scipy.special import comb

from gradient_failures.claims.text import interval, number
from gradient_failures.problems.parity.settings import LOSSES
from gradient_failures.report.tables import learning_rows
from gradient_failures.results import statistics


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """What each of the three sections shows."""
    return {
        "learning": learning(data["parity"], data["parity_subset_size"], results)
        | {"settings": config["experiment"]["settings"]},
        "lemma": lemma(data["realisability"]),
        "variance": variance(data["gradient_variance"])
        | {"settings": config["gradient_variance"]["settings"]},
    }


def learning(parity: xr.Dataset, subset_size: xr.Dataset, results: Mapping[str, Any]) -> dict[str, Any]:
    """How often and how fast parities are learnt, to the accuracy that one of 30 bits must not reach."""
    level = results["parity-d30-not-learnt"]["claim"]["options"]["level"]
    hardest = int(subset_size["dim"].max())
    return {
        "dims": parity["dim"].values.tolist(),
        "seeds": parity.sizes["seed"],
        "level": f"{level:.2f}",
        "by_dimension": learning_rows(parity["accuracy"], level),
        "hardest": hardest,
        "by_subset_size": learning_rows(subset_size["accuracy"].sel(dim=hardest), level),
    }


def lemma(realisability: xr.Dataset) -> dict[str, Any]:
    """The errors of the explicit network, with the indices corrected and as printed."""
    corrected, published = (realisability.sel(construction=name) for name in ("corrected", "published"))
    exhaustive = realisability["dim"].where(realisability["exhaustive"] == 1, drop=True)
    sampled = realisability["dim"].where(realisability["exhaustive"] == 0, drop=True)
    return {
        "exhaustive_dim": int(exhaustive.max()),
        "sampled_dims": [int(dim) for dim in sampled],
        "largest_error": float(corrected["error_rate"].max()),
        "smallest_margin": float(corrected["smallest_margin"].min()),
        "published_error": float(published["error_rate"].max()),
    }


def variance(data: xr.Dataset) -> dict[str, Any]:
    """What the gradient says of the parity to be learnt, and what it competes with."""
    largest = int(data["dim"].max())
    rate, initial = data["decay_rate"], data.isel(architecture=0).sel(dim=largest)
    over_rounding = initial["variance"].sel(loss="hinge") / initial["float32_resolution"]
    signal = data["signal_by_size"]
    median = signal.median("seed")
    return {
        "architectures": data["architecture"].values.tolist(),
        "smallest_dim": int(data["dim"].min()),
        "largest_dim": largest,
        "checkpoints": data["step"].values.tolist(),
        "seeds": data.sizes["seed"],
        "sampling_error": float((data["variance_error"] / data["variance"]).max()),
        "decay_rates": [
            [
                str(name),
                *(interval(statistics.mean(rate.sel(architecture=name, loss=loss))) for loss in LOSSES),
            ]
            for name in data["architecture"].values
        ],
        "over_rounding": float(over_rounding.median("seed")),
        "over_run_noise": float(initial["variance_over_run_noise"].median("seed")),
        "enumerated_dim": int(data["enumerated_dim"].max()),
        "share_of_small_targets": round(100 * share_of_small_targets(signal.sel(loss="squared"))),
        "signals": [
            [str(size), *(number(float(median.sel(subset_size=size, loss=loss))) for loss in LOSSES)]
            for size in signal["subset_size"].values
        ],
    }


def share_of_small_targets(signal: xr.DataArray) -> float:
    """Share of targets of at most two bits in the variance across all, median over seeds.

    Parameters
    ----------
    signal : mean signal of the targets of each size, over (seed, subset_size).
    """
    size = signal["subset_size"]
    total = signal * comb(size.size - 1, size)
    return float((total.sel(subset_size=size <= 2).sum("subset_size") / total.sum("subset_size")).median())
