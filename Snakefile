"""Reproduction of "Failures of Gradient-Based Deep Learning": config → compute → combine → figures, claims → report."""

from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/compute.smk"
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
    require_writable_folders()


onsuccess:
    print(f"The report: {PAPER.run.pathvars.results}/report/index.html")


onerror:
    print("Finished results are kept: the same command goes on from here.")
