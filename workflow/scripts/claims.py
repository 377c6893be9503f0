"""Judge every claim on the metrics of this run."""

import json
from pathlib import Path

from gradient_failures import dataset, files, provenance
from gradient_failures.claims import judge
from gradient_failures.config.claims import validated_claims
from gradient_failures.config.files import read_yaml
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    claims = validated_claims(read_yaml(snakemake.input.claims))
    metrics = {Path(path).stem: dataset.read(path) for path in snakemake.input.metrics}
    document = {
        "provenance": provenance.attributes(
            title="Verdicts on the claims of the paper",
            code=snakemake.input.code,
            lock=snakemake.input.lock,
            config={"claims": provenance.file_hash([snakemake.input.claims])},
        ),
        "results": [judge(claim, metrics.get(claim.data)).as_json() for claim in claims],
    }
    files.write_text(snakemake.output[0], json.dumps(document, indent=2, ensure_ascii=False) + "\n")
