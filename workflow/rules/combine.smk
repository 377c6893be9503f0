# One file for each sweep, with one dimension for each axis of its grid.


rule combine:
    input:
        runs=runs_of,
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
        mem_mb=2000,
        runtime=15,
    params:
        axes=lambda wildcards: sweep_of(wildcards).axes(),
        training=lambda wildcards: experiment_of(wildcards).training_of(wildcards.sweep),
        training_axis=lambda wildcards: experiment_of(wildcards).training_axis,
    message:
        "Combining the runs of {wildcards.sweep}"
    script:
        "../scripts/combine.py"
