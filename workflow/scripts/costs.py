"""Sum up what the jobs of each rule cost."""

from gradient_failures.job import logged_to
from gradient_failures.provenance import origin
from gradient_failures.report import costs
from gradient_failures.results import dataset

with logged_to(snakemake.log[0]):
    jobs = dict(snakemake.input.items())
    lock = jobs.pop("lock")
    attributes = origin.attributes(
        title="Cost of the run by rule", code=snakemake.params.code, lock=lock, config={"rules": list(jobs)}
    )
    dataset.write(costs.cost_dataset(jobs), snakemake.output[0], attributes)
