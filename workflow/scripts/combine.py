"""Combine the runs of one grid into one file."""

from gradient_failures.job import logged_to
from gradient_failures.provenance import origin
from gradient_failures.results import dataset
from gradient_failures.results.combine import combine

with logged_to(snakemake.log[0]):
    grid, params = snakemake.wildcards.grid, snakemake.params
    attributes = origin.attributes(
        title=f"All runs of the grid {grid}",
        code=params.code,
        lock=snakemake.input.lock,
        config={"grid": grid, "axes": params.axes, "seeds": params.seeds},
    )
    runs = {path: dataset.read(path) for path in snakemake.input.runs}
    result = combine(runs, params.axes, params.points, params.seeds)
    dataset.write(result, snakemake.output[0], {**attributes, **result.attrs})
