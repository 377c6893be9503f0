"""Draw one figure from the results it names, and save it in every format."""

import importlib

from gradient_failures import dataset, plotting, provenance
from gradient_failures.config.files import read_yaml
from gradient_failures.jobs import logged_to


def load(path):
    return read_yaml(path) if path.endswith(".yaml") else dataset.read(path)


with logged_to(snakemake.log[0]):
    name, inputs = snakemake.params.figure, dict(snakemake.input.items())
    code, lock = inputs.pop("code"), inputs.pop("lock")
    module = importlib.import_module(f"gradient_failures.figures.{name}")
    with plotting.style():
        figure = module.draw(**{key: load(path) for key, path in inputs.items()})
        attributes = provenance.attributes(
            title=module.TITLE, code=code, lock=lock, config={"figure": name, "data": inputs}
        )
        plotting.save(figure, snakemake.output, attributes)
