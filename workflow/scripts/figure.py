"""Draw one figure from the results it names, and save it in every format."""

import importlib

from gradient_failures.config.yaml import read_yaml
from gradient_failures.job import logged_to
from gradient_failures.provenance import origin
from gradient_failures.results import dataset, plotting


def load(path):
    return read_yaml(path) if path.endswith(".yaml") else dataset.read(path)


with logged_to(snakemake.log[0]):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    lock = inputs.pop("lock")
    module = importlib.import_module(f"gradient_failures.{params.module}")
    with plotting.style():
        figure = module.draw(**{name: load(path) for name, path in inputs.items()})
        attributes = origin.attributes(
            title=params.title, code=params.code, lock=lock, config={"figure": params.module, "data": inputs}
        )
        plotting.save(figure, snakemake.output, attributes)
