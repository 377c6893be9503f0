# Verdicts, costs, the page that shows them with their evidence, and the package that says where all of it comes from.

GIVEN = [
    *of_problems("claims.yaml", "published.yaml", "deviations.yaml", "findings.yaml"),
    DEVIATIONS,
    LOCK,
]


rule claims:
    input:
        metrics=METRICS,
        claims=of_problems("claims.yaml"),
        lock=LOCK,
    output:
        "<results>/claims.json",
    log:
        "<logs>/claims.log",
    benchmark:
        "<logs>/claims.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        problems=PAPER.problems,
        code=code_of("claims.judge"),
    message:
        "Judging the claims"
    script:
        "../scripts/claims.py"


rule costs:
    input:
        **costs_of_jobs(),
        lock=LOCK,
    output:
        "<results>/costs.nc",
    log:
        "<logs>/costs.log",
    benchmark:
        "<logs>/costs.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        code=code_of("report.costs"),
    message:
        "Summing up the costs"
    script:
        "../scripts/costs.py"


rule report:
    input:
        claims="<results>/claims.json",
        costs="<results>/costs.nc",
        figures=[path for path in DRAWN if path.endswith(".svg")],
        metrics=METRICS,
        deviations=[*of_problems("deviations.yaml"), DEVIATIONS],
        findings=of_problems("findings.yaml"),
        templates=[path for path in SOURCES if path.endswith((".j2", ".css"))],
        lock=LOCK,
    output:
        page=shown("<results>/report/index.html", "Verdicts", "report"),
        standalone="<results>/report/standalone.html",
        summary=shown("<results>/report/summary.md", "Verdicts", "summary"),
    log:
        "<logs>/report.log",
    benchmark:
        "<logs>/report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        code=code_of(
            "report.page",
            *(f"problems.{problem}.problem" for problem in PAPER.problems),
            *(f"problems.{problem}.views" for problem in PAPER.problems),
        ),
        config=PAPER.config,
        title="Every claim with its verdict and the evidence; it needs no network and no JavaScript.",
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
            "<results>/report/standalone.html",
            "<results>/report/summary.md",
            "<results>/report/figures.pdf",
            METRICS,
            sorted({run for grid in PAPER.grids for run in runs_of(grid)}),
            DRAWN,
        ],
        workflow="Snakefile",
        inputs=GIVEN,
        sources=[path for path in SOURCES if path not in GIVEN],
        citation="CITATION.cff",
    output:
        metadata="<results>/ro-crate-metadata.json",
        config="<results>/config.yaml",
        project=directory("<results>/project"),
    log:
        "<logs>/crate.log",
    benchmark:
        "<logs>/crate.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        code=code_of("provenance.crate"),
        config=PAPER.config,
    message:
        "Describing the run"
    script:
        "../scripts/crate.py"
