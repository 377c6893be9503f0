"""Reproduction of "Failures of Gradient-Based Deep Learning": config → train → combine → figures, claims → report."""

from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/diagnose.smk"
include: "workflow/rules/combine.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "<results>/report/index.html",
        METRICS,
        DRAWN,
        "<results>/ro-crate-metadata.json",


onstart:
    require_device()
    keep_previous_results()
    lift_default_rate_limit()


onsuccess:
    previous.drop(RESULTS)
    print(f"The report: {REPORT}")


onerror:
    print("Finished results are kept: the same command goes on from here.")
    if previous.drop(RESULTS):
        print(
            f"What failed jobs were to replace is kept in {RESULTS / previous.FOLDER}."
        )
