# Verdicts, costs, the page that shows them with their evidence, and the package that says where all of it comes from.


GIVEN = [
    *of_problems("claims.yaml"),
    *of_problems("published.yaml"),
    *of_problems("deviations.yaml"),
    *of_problems("findings.yaml"),
    DEVIATIONS,
    LOCK,
]
TEMPLATES = [
    str(path)
    for kind in ("j2", "css")
    for path in sorted(Path("src/gradient_failures/report").rglob(f"*.{kind}"))
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
        sections=of_problems("section.html.j2"),
        templates=TEMPLATES,
        lock=LOCK,
    output:
        page=shown("report", "index.html"),
        standalone="<results>/report/standalone.html",
        summary=shown("summary", "summary.md"),
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
            *(
                f"problems.{problem}.{module}"
                for problem in PAPER.problems
                for module in ("problem", "views")
            ),
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
            all_runs(),
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
