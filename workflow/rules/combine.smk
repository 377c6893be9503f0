# One file for each grid, with one dimension for each of its axes.


def grid_of(wildcards):
    """The configuration of a grid."""
    return PAPER.grids[wildcards.grid].config.grids[wildcards.grid]


def settings_of_points(grid):
    """All settings at each point of ``grid`` by the point's name."""
    points = PAPER.grids[grid].points[grid]
    return {point.name: point.settings.model_dump() for point in points}


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
        axes=lambda wildcards: grid_of(wildcards).axes,
        points=lambda wildcards: settings_of_points(wildcards.grid),
        seeds=lambda wildcards: grid_of(wildcards).seeds,
    message:
        "Combining the runs of {wildcards.grid}"
    script:
        "../scripts/combine.py"
