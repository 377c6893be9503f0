"""Combine the parts of one diagnostic over seeds into one file."""

from gradient_failures import dataset, provenance
from gradient_failures.combine import combine_seeds
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    name = snakemake.wildcards.diagnostic
    attributes = provenance.attributes(
        title=f"Diagnostic: {name}",
        code=snakemake.input.code,
        lock=snakemake.input.lock,
        config={"diagnostic": name, "settings": snakemake.params.settings},
    )
    parts = {path: dataset.read(path) for path in snakemake.input.parts}
    result = combine_seeds(parts, snakemake.params.settings, snakemake.params.axis)
    dataset.write(result, snakemake.output[0], {**attributes, **result.attrs})
