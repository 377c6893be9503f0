"""What the report shows of the allocation among stocks."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from gradient_failures.claims.text import interval
from gradient_failures.results import statistics


def view(
    data: Mapping[str, xr.Dataset], config: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """Settings, the numbers of stocks and of seeds, and rows of k and the final losses of both approaches."""
    loss = data["allocation"]["loss"]
    n_stocks = loss["n_stocks"].values.tolist()
    final = [loss.sel(approach=approach).isel(step=-1) for approach in ("end_to_end", "decomposition")]
    return {
        "settings": config["experiment"]["settings"],
        "n_stocks": n_stocks,
        "seeds": loss.sizes["seed"],
        "final_losses": [
            [str(k), *(interval(statistics.mean(losses.sel(n_stocks=k))) for losses in final)]
            for k in n_stocks
        ],
    }
