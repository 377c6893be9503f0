"""Write the report: the page, the page to publish, and their summary."""

import json
import os
from pathlib import Path

from gradient_failures.config.paper import validated
from gradient_failures.config.yaml import read_yaml
from gradient_failures.job import logged_to
from gradient_failures.provenance import files, origin
from gradient_failures.report.page import render
from gradient_failures.results import dataset

with logged_to(snakemake.log[0]):
    inputs, outputs, params = snakemake.input, dict(snakemake.output.items()), snakemake.params
    folder = Path(outputs["page"]).parent
    drawings = folder.parent / "figures"
    names = {Path(path).relative_to(drawings).with_suffix("").as_posix(): path for path in inputs.figures}
    report = render(
        validated(params.config),
        results=json.loads(Path(inputs.claims).read_text(encoding="utf-8"))["results"],
        figures={name: Path(path).read_bytes() for name, path in names.items()},
        data={Path(path).stem: dataset.read(path) for path in inputs.metrics},
        costs=dataset.read(inputs.costs),
        deviations=[row for path in inputs.deviations for row in read_yaml(path)],
        findings={Path(path).parent.name: read_yaml(path) for path in inputs.findings},
        project=os.path.relpath(".", folder),
        provenance=origin.attributes(
            title="Report", code=params.code, lock=inputs.lock, config=params.config
        ),
    )
    for name, text in report.items():
        files.write_text(outputs[name], text)
