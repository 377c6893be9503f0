"""Put the program and the configuration of this run beside its results, and describe all of it."""

import importlib.metadata
import json
from pathlib import Path

import yaml

from gradient_failures.config.yaml import read_yaml
from gradient_failures.job import logged_to
from gradient_failures.provenance import crate, files
from gradient_failures.results import dataset

folder = Path(snakemake.output.metadata).parent


def name_of(path):
    """Name of a file in the crate: its path in the folder of the results."""
    return Path(path).relative_to(folder).as_posix()


def kept(path):
    """Copy a file of the project to where the results are, and return its name there."""
    copy = Path(snakemake.output.project) / path
    files.copy(path, copy)
    return name_of(copy)


def parameter(path):
    """Name of what the run was given in a file: ``parity-claims`` for ``parity/claims.yaml``."""
    return "-".join(Path(path).with_suffix("").parts[-2:])


def attributes_of(path):
    if path.endswith(".nc"):
        return dataset.read(path).attrs
    if path.endswith(".json"):
        return json.loads(Path(path).read_text(encoding="utf-8"))["provenance"]
    return {}


with logged_to(snakemake.log[0]):
    inputs = snakemake.input
    configuration = yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True)
    files.write_text(snakemake.output.config, configuration)
    document = crate.describe(
        folder,
        workflow=kept(inputs.workflow),
        language=("snakemake", importlib.metadata.version("snakemake")),
        sources=[kept(path) for path in inputs.sources],
        inputs={
            "config": name_of(snakemake.output.config),
            **{parameter(path): kept(path) for path in inputs.inputs},
        },
        results={name_of(path): attributes_of(path) for path in inputs.results},
        citation=read_yaml(inputs.citation),
    )
    text = json.dumps(document, indent=2, ensure_ascii=False)
    files.write_text(snakemake.output.metadata, text + "\n")
