"""Combine the runs of one sweep into one file."""

import gc

from gradient_failures import dataset, provenance
from gradient_failures.combine import combine
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    gc.disable()  # all that is read stays: looking for garbage among it takes a sixth of the time
    runs = {path: dataset.read(path) for path in snakemake.input.runs}
    attributes = provenance.attributes(
        title=f"All runs of the sweep {snakemake.wildcards.sweep}",
        code=snakemake.input.code,
        lock=snakemake.input.lock,
        config={"sweep": snakemake.wildcards.sweep, "axes": snakemake.params.axes},
    )
    result = combine(runs, snakemake.params.axes, snakemake.params.training, snakemake.params.training_axis)
    dataset.write(result, snakemake.output[0], {**attributes, **result.attrs})
