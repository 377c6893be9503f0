"""Train one block of seeds at one grid point of an experiment."""

import importlib
import time

import torch

from gradient_failures import dataset, provenance
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    name, wildcards = snakemake.params.experiment, snakemake.wildcards
    experiment = importlib.import_module(f"gradient_failures.experiments.{name}")
    attributes = provenance.attributes(
        title=f"{name} at {wildcards.point}, seeds {wildcards.first} to {wildcards.last}",
        code=snakemake.input.code,
        lock=snakemake.input.lock,
        config={"experiment": name, "point": wildcards.point, "training": snakemake.params.training},
    )
    started = time.perf_counter()
    result = experiment.train(
        experiment.Point.from_slug(wildcards.point),
        experiment.Training(**snakemake.params.training),
        range(int(wildcards.first), int(wildcards.last) + 1),
    )
    provenance.require_unchanged(snakemake.input.code, attributes)
    seconds = {"device": "cpu", "wall_seconds": time.perf_counter() - started}
    dataset.write(result, snakemake.output[0], {**attributes, **seconds})
