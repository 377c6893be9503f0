# Verdicts, and the page that shows them with their evidence.


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
        mem_mb=2000,
        runtime=10,
    message:
        "Judging the claims"
    script:
        "../scripts/claims.py"


rule report:
    input:
        claims="<results>/claims.json",
        figures=[
            "<results>/figures/parity.svg",
            "<results>/figures/parity_variants.svg",
            "<results>/figures/allocation.svg",
            "<results>/figures/curves.svg",
        ],
        metrics=METRICS,
        deviations="config/deviations.yaml",
        template="workflow/report/report.html.j2",
        sections=[
            "workflow/report/sections/parity.html.j2",
            "workflow/report/sections/allocation.html.j2",
            "workflow/report/sections/curves.html.j2",
        ],
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
        mem_mb=1000,
        runtime=10,
    params:
        config=PAPER.model_dump(exclude_none=True),
    message:
        "Writing the report"
    script:
        "../scripts/report.py"
