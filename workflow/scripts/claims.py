"""Judge every claim on the metrics of this run."""

import json
from pathlib import Path

from gradient_failures.claims.judge import judge
from gradient_failures.claims.model import read_claims
from gradient_failures.job import logged_to
from gradient_failures.provenance import files, origin
from gradient_failures.results import dataset

with logged_to(snakemake.log[0]):
    metrics = {Path(path).stem: dataset.read(path) for path in snakemake.input.metrics}
    attributes = origin.attributes(
        title="Verdicts on the claims of the paper",
        code=snakemake.params.code,
        lock=snakemake.input.lock,
        config={"claims": origin.file_hash(snakemake.input.claims)},
    )
    claims = read_claims(snakemake.params.problems)
    results = [judge(claim, metrics.get(claim.data)).as_json() for claim in claims]
    document = {"provenance": attributes, "results": results}
    files.write_text(snakemake.output[0], json.dumps(document, indent=2, ensure_ascii=False) + "\n")
