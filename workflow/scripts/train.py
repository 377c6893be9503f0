"""Train one block of seeds at one grid point of an experiment."""

import importlib
from pathlib import Path

import torch

from gradient_failures import dataset, provenance
from gradient_failures.checkpoint import checkpoint_in
from gradient_failures.device import training_on
from gradient_failures.jobs import keep_freed_memory, logged_to

with (
    logged_to(snakemake.log[0]),
    training_on(snakemake.params.device, snakemake.resources.jobs_per_card) as device,
):
    keep_freed_memory()
    torch.set_num_threads(snakemake.threads)
    name, wildcards = snakemake.params.experiment, snakemake.wildcards
    experiment = importlib.import_module(f"gradient_failures.experiments.{name}")
    attributes = provenance.attributes(
        title=f"{name} at {wildcards.point}, seeds {wildcards.first} to {wildcards.last}",
        code=snakemake.input.code,
        lock=snakemake.input.lock,
        config={"experiment": name, "point": wildcards.point, "training": snakemake.params.training},
        device=device,
    )
    with checkpoint_in(
        Path(snakemake.output[0]).with_suffix(".checkpoint"),
        provenance.identity(attributes),
        every=snakemake.resources.checkpoint_every,
    ) as checkpoint:
        result = experiment.train(
            experiment.Point.from_slug(wildcards.point),
            experiment.Training(**snakemake.params.training),
            range(int(wildcards.first), int(wildcards.last) + 1),
            checkpoint,
        )
        provenance.require_unchanged(snakemake.input.code, attributes)
        seconds = {"wall_seconds": checkpoint.seconds()}
        dataset.write(result, snakemake.output[0], {**attributes, **seconds})
