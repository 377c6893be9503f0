"""Write the report: the page and its summary."""

import json
import os
from pathlib import Path

from gradient_failures import dataset, files, provenance
from gradient_failures.config.files import read_yaml
from gradient_failures.jobs import logged_to
from gradient_failures.report import render

with logged_to(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    content = {
        "project": os.path.relpath(".", Path(snakemake.output.page).parent),
        "style": Path(inputs.style).read_text(encoding="utf-8"),
        "verdicts": json.loads(Path(inputs.claims).read_text(encoding="utf-8")),
        "figures": {Path(path).stem: Path(path).read_bytes() for path in inputs.figures},
        "metrics": {Path(path).stem: dataset.read(path) for path in inputs.metrics},
        "costs": dataset.read(inputs.costs),
        "data_by_rule": params.data_by_rule,
        "data_by_figure": params.data_by_figure,
        "deviations": read_yaml(inputs.deviations),
        "config": params.config,
        "provenance": provenance.attributes(
            title="Report", code=inputs.code, lock=inputs.lock, config=params.config
        ),
    }
    for template, output in (
        (inputs.page, snakemake.output.page),
        (inputs.summary, snakemake.output.summary),
    ):
        files.write_text(output, render(Path(template), **content))
