# Verdicts, the page that shows them with their evidence, and the package that says where all of it comes from.


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


rule report:
    input:
        claims="<results>/claims.json",
        figures=expand("<results>/figures/{name}.svg", name=FIGURES),
        metrics=METRICS,
        deviations="config/deviations.yaml",
        template="workflow/report/report.html.j2",
        sections=sorted(map(str, Path("workflow/report/sections").glob("*.j2"))),
        style="workflow/report/style.css",
        code=code_of("report"),
        lock=LOCK,
    output:
        "<results>/report/index.html",
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
    message:
        "Writing the report"
    script:
        "../scripts/report.py"


rule crate:
    input:
        results=[
            "<results>/claims.json",
            "<results>/report/index.html",
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
        config=resolved_config(),
    message:
        "Describing the run"
    script:
        "../scripts/crate.py"
