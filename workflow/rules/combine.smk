# One file for each sweep, with one dimension for each axis of its grid, and for each diagnostic.


rule combine:
    input:
        runs=lambda wildcards: runs_of(wildcards.sweep),
        code=code_of("combine"),
        lock=LOCK,
    output:
        "<results>/metrics/{sweep}.nc",
    log:
        "<logs>/combine/{sweep}.log",
    benchmark:
        "<benchmarks>/combine/{sweep}.tsv"
    wildcard_constraints:
        sweep="|".join(SWEEPS),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=15,
    params:
        axes=lambda wildcards: sweep_of(wildcards.sweep).axes(),
        training=lambda wildcards: experiment_of(wildcards.sweep).training_of(
            wildcards.sweep
        ),
        training_axis=lambda wildcards: experiment_of(wildcards.sweep).training_axis,
    message:
        "Combining the runs of {wildcards.sweep}"
    script:
        "../scripts/combine.py"


rule combine_seeds:
    input:
        parts=lambda wildcards: parts_of(wildcards.diagnostic),
        code=code_of("combine_seeds"),
        lock=LOCK,
    output:
        "<results>/metrics/{diagnostic}.nc",
    log:
        "<logs>/combine_seeds/{diagnostic}.log",
    benchmark:
        "<benchmarks>/combine_seeds/{diagnostic}.tsv"
    wildcard_constraints:
        diagnostic="|".join(SEEDED),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=15,
    params:
        settings=lambda wildcards: SEEDED[wildcards.diagnostic].settings.model_dump(),
        axis=lambda wildcards: SEEDED[wildcards.diagnostic].axis,
    message:
        "Combining the seeds of {wildcards.diagnostic}"
    script:
        "../scripts/combine_seeds.py"
