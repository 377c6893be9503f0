# One file for each grid, with one dimension for each of its axes.


rule combine:
    input:
        runs=lambda wildcards: runs_of(wildcards.grid),
        lock=LOCK,
    output:
        "<results>/metrics/{grid}.nc",
    log:
        "<logs>/combine/{grid}.log",
    benchmark:
        "<logs>/combine/{grid}.tsv"
    wildcard_constraints:
        grid="|".join(PAPER.grids),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=15,
    params:
        code=code_of("results.combine"),
        axes=lambda wildcards: PAPER.grids[wildcards.grid].axes(wildcards.grid),
        points=lambda wildcards: {
            point.name: point.settings.model_dump()
            for point in PAPER.grids[wildcards.grid].points[wildcards.grid]
        },
        seeds=lambda wildcards: PAPER.grids[wildcards.grid]
        .config.grids[wildcards.grid]
        .seeds,
    message:
        "Combining the runs of {wildcards.grid}"
    script:
        "../scripts/combine.py"
