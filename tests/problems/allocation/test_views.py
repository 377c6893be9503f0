"""What the report says of the allocation, from a toy dataset."""

from pathlib import Path

import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gradient_failures.claims.text import number
from gradient_failures.problems.allocation import views


def shown():
    loss = xr.DataArray(
        [[[[0.0, -0.1], [0.0, -0.3]], [[0.0, -0.2], [0.0, -0.2]]], [[[0.0, -0.8]] * 2, [[0.0, -1.0]] * 2]],
        dims=("approach", "n_stocks", "seed", "step"),
        coords={"approach": ["end_to_end", "decomposition"], "n_stocks": [10, 2000]},
    )
    settings = {"n_inputs": 3, "optimiser": {"learning_rate": 0.1}, "batch_size": 4, "steps": 5000}
    return views.view({"allocation": xr.Dataset({"loss": loss})}, {"experiment": {"settings": settings}}, {})


def test_the_table_has_the_last_losses_of_both_approaches():
    assert shown()["final_losses"] == [["10", "-0.2 [-1.5, 1.1]", "-0.8"], ["2000", "-0.2", "-1"]]
    assert (shown()["n_stocks"], shown()["seeds"]) == ([10, 2000], 2)


def test_the_section_shows_what_the_view_found():
    environment = Environment(loader=FileSystemLoader(Path(views.__file__).parent), undefined=StrictUndefined)
    environment.filters |= {"number": number, "series": str}
    section = environment.get_template("section.html.j2").render(
        view=shown(),
        figure=lambda name, alt, caller: f"figure {name}",
        table=lambda caption, headings, rows: f"{len(headings)} columns, {rows[1]}",
        evidence=lambda anchor: f"evidence of {anchor}",
    )
    for text in (
        "on 3 unit vectors",
        "batches of 4, 5\u202f000 steps, k = [10, 2000], 2 seeds each",
        "figure allocation",
        "3 columns, ['2000', '-0.2', '-1']",
        "evidence of allocation",
    ):
        assert text in section
