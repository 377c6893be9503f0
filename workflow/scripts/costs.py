"""Sum up what the jobs of each rule cost."""

from gradient_failures import costs, dataset, provenance
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    inputs = dict(snakemake.input.items())
    code, lock = inputs.pop("code"), inputs.pop("lock")
    attributes = provenance.attributes(
        title="Cost of the run by rule", code=code, lock=lock, config={"rules": list(inputs)}
    )
    files = {rule: [paths] if isinstance(paths, str) else paths for rule, paths in inputs.items()}
    dataset.write(costs.table(files), snakemake.output[0], attributes)
