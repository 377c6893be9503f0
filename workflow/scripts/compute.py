"""Compute one point of a grid for one block of seeds."""

import importlib
from pathlib import Path

import torch

from gradient_failures.job import logged_to
from gradient_failures.provenance import origin
from gradient_failures.results import dataset
from gradient_failures.training.checkpoint import checkpoint_in
from gradient_failures.training.devices import training_on

params, wildcards = snakemake.params, snakemake.wildcards

with (
    logged_to(snakemake.log[0]),
    training_on(params.device, snakemake.resources.jobs_per_gpu) as device,
):
    torch.set_num_threads(snakemake.threads)
    computation = importlib.import_module(f"gradient_failures.{params.module}")
    settings = computation.Settings(**params.settings)
    attributes = origin.attributes(
        title=f"{params.module} at {wildcards.point}, seeds {wildcards.seeds}",
        code=params.code,
        lock=snakemake.input.lock,
        config={"computation": params.module, "point": wildcards.point, "settings": params.settings},
        device=device,
    )
    with checkpoint_in(
        Path(snakemake.output[0]).with_suffix(".checkpoint"),
        origin.identity(attributes),
        every=snakemake.resources.checkpoint_every,
    ) as checkpoint:
        result = computation.run(settings, params.seeds, checkpoint)
        origin.require_unchanged([params.module], params.code)
        seconds = {"wall_seconds": checkpoint.seconds()}
        dataset.write(dataset.located(result, settings), snakemake.output[0], {**attributes, **seconds})
