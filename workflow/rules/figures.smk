# Figures as SVG, PNG and PDF. The rule of problems/PROBLEM/figures/NAME.py is figure_NAME; grids of runs that no figure
# is drawn from have a generic one in figures/grids.

GRIDS_WITHOUT_FIGURE = [
    grid for problem in PAPER.problems for grid in PAPER.grids_without_figure(problem)
]
DRAWN = expand(
    "<results>/figures/{name}.{kind}",
    name=[*PAPER.figures, *(f"grids/{grid}" for grid in GRIDS_WITHOUT_FIGURE)],
    kind=FORMATS,
)


for name, (problem, drawing) in PAPER.figures.items():
    data = {grid: f"<results>/metrics/{grid}.nc" for grid in drawing.grids}
    if drawing.published:
        data["published"] = str(PROBLEMS / problem / "published.yaml")

    rule:
        name:
            f"figure_{name}"
        input:
            **data,
            lock=LOCK,
        output:
            **figure_files(name),
        log:
            f"<logs>/figure_{name}.log",
        benchmark:
            f"<logs>/figure_{name}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=10,
        params:
            module=f"problems.{problem}.figures.{name}",
            code=code_of(f"problems.{problem}.figures.{name}", "results.plotting"),
            title=drawing.title,
        message:
            "Drawing {params.title}"
        script:
            "../scripts/figure.py"


rule draw_grid:
    input:
        grid="<results>/metrics/{grid}.nc",
        lock=LOCK,
    output:
        **figure_files("grids/{grid}"),
    log:
        "<logs>/draw_grid/{grid}.log",
    benchmark:
        "<logs>/draw_grid/{grid}.tsv"
    wildcard_constraints:
        grid="|".join(PAPER.grids),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        module="results.grid_figure",
        code=code_of("results.grid_figure", "results.plotting"),
        title=lambda wildcards: f"The runs of the grid {wildcards.grid}",
    message:
        "Drawing the runs of {wildcards.grid}"
    script:
        "../scripts/figure.py"


rule figures_pdf:
    input:
        figures=[path for path in DRAWN if path.endswith(".pdf")],
        lock=LOCK,
    output:
        "<results>/report/figures.pdf",
    log:
        "<logs>/figures_pdf.log",
    benchmark:
        "<logs>/figures_pdf.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        code=code_of("provenance.origin"),
    message:
        "Binding the figures"
    script:
        "../scripts/figures_pdf.py"
