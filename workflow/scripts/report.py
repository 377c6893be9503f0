"""Write the report page."""

import json
import os
from pathlib import Path

from gradient_failures import dataset, files, provenance
from gradient_failures.config.files import read_yaml
from gradient_failures.jobs import logged_to
from gradient_failures.report import render

with logged_to(snakemake.log[0]):
    inputs = snakemake.input
    page = render(
        Path(inputs.template),
        project=os.path.relpath(".", Path(snakemake.output[0]).parent),
        style=Path(inputs.style).read_text(encoding="utf-8"),
        verdicts=json.loads(Path(inputs.claims).read_text(encoding="utf-8")),
        figures={Path(path).stem: Path(path).read_bytes() for path in inputs.figures},
        metrics={Path(path).stem: dataset.read(path) for path in inputs.metrics},
        deviations=read_yaml(inputs.deviations),
        config=snakemake.params.config,
        provenance=provenance.attributes(
            title="Report", code=inputs.code, lock=inputs.lock, config=snakemake.params.config
        ),
    )
    files.write_text(snakemake.output[0], page)
