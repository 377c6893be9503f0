# Verdicts, costs, the page that shows them with their evidence, and the package that says where all of it comes from.


rule claims:
    input:
        metrics=METRICS,
        claims="config/claims.yaml",
        code=code_of("claims"),
        lock=LOCK,
    output:
        "<results>/claims.json",
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    message:
        "Judging the claims"
    script:
        "../scripts/claims.py"


rule costs:
    input:
        **benchmarks(),
        code=code_of("costs"),
        lock=LOCK,
    output:
        "<results>/costs.nc",
    log:
        "<logs>/costs.log",
    benchmark:
        "<benchmarks>/costs.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    message:
        "Summing up the costs"
    script:
        "../scripts/costs.py"


rule report:
    input:
        claims="<results>/claims.json",
        costs="<results>/costs.nc",
        figures=expand("<results>/figures/{name}.svg", name=FIGURES),
        metrics=METRICS,
        deviations="config/deviations.yaml",
        page="workflow/report/report.html.j2",
        summary="workflow/report/summary.md.j2",
        parts=sorted(map(str, Path("workflow/report").glob("*/*.html.j2"))),
        style="workflow/report/style.css",
        code=code_of("report"),
        lock=LOCK,
    output:
        page=report(
            "<results>/report/index.html",
            caption="../report/captions/report.rst",
            category="Verdicts",
            labels={"result": "report", "format": "html"},
        ),
        summary=report(
            "<results>/report/summary.md",
            caption="../report/captions/summary.rst",
            category="Verdicts",
            labels={"result": "summary", "format": "md"},
        ),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        config=PAPER.model_dump(exclude_none=True),
        data_by_rule=data_by_rule(),
        data_by_figure=data_by_figure(),
    message:
        "Writing the report"
    script:
        "../scripts/report.py"


rule crate:
    input:
        results=[
            "<results>/claims.json",
            "<results>/costs.nc",
            "<results>/report/index.html",
            "<results>/report/summary.md",
            "<results>/report/figures.pdf",
            METRICS,
            all_runs(),
            DRAWN,
        ],
        workflow="Snakefile",
        inputs=["config/claims.yaml", PUBLISHED, "config/deviations.yaml", LOCK],
        sources=SOURCES,
        citation="CITATION.cff",
        code=code_of("crate"),
    output:
        metadata="<results>/ro-crate-metadata.json",
        config="<results>/config.yaml",
        project=directory("<results>/project"),
    log:
        "<logs>/crate.log",
    benchmark:
        "<benchmarks>/crate.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        config=PAPER.model_dump(mode="json"),
    message:
        "Describing the run"
    script:
        "../scripts/crate.py"
