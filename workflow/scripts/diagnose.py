"""Measure one diagnostic."""

import importlib
import time

from gradient_failures import dataset, provenance
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    name = snakemake.params.diagnostic
    diagnostic = importlib.import_module(f"gradient_failures.diagnostics.{name}")
    attributes = provenance.attributes(
        title=f"Diagnostic: {name}",
        code=snakemake.input.code,
        lock=snakemake.input.lock,
        config={"diagnostic": name, "settings": snakemake.params.settings},
    )
    started = time.perf_counter()
    result = diagnostic.measure(diagnostic.Settings(**snakemake.params.settings), *snakemake.params.seeds)
    provenance.require_unchanged(snakemake.input.code, attributes)
    seconds = {"wall_seconds": time.perf_counter() - started}
    dataset.write(result, snakemake.output[0], {**attributes, **seconds})
