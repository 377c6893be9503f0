# Figures as SVG, PNG and PDF; each is a target by its rule's name.


rule figure_parity:
    input:
        learning="<results>/metrics/parity.nc",
        subset_size="<results>/metrics/parity_subset_size.nc",
        published="config/published.yaml",
        code=code_of("figure", "figures.parity"),
        lock=LOCK,
    output:
        **figure("parity"),
    log:
        "<logs>/figure_parity.log",
    benchmark:
        "<benchmarks>/figure_parity.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figure="parity",
    message:
        "Drawing figure 1: parity"
    script:
        "../scripts/figure.py"


rule figure_allocation:
    input:
        allocation="<results>/metrics/allocation.nc",
        published="config/published.yaml",
        code=code_of("figure", "figures.allocation"),
        lock=LOCK,
    output:
        **figure("allocation"),
    log:
        "<logs>/figure_allocation.log",
    benchmark:
        "<benchmarks>/figure_allocation.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figure="allocation",
    message:
        "Drawing figure 7: allocation"
    script:
        "../scripts/figure.py"


rule figure_curves:
    input:
        curves="<results>/metrics/curves.nc",
        published="config/published.yaml",
        code=code_of("figure", "figures.curves"),
        lock=LOCK,
    output:
        **figure("curves"),
    log:
        "<logs>/figure_curves.log",
    benchmark:
        "<benchmarks>/figure_curves.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figure="curves",
    message:
        "Drawing figure 5: curves"
    script:
        "../scripts/figure.py"


rule figure_parity_variants:
    input:
        architecture="<results>/metrics/parity_architecture.nc",
        encoding="<results>/metrics/parity_encoding.nc",
        code=code_of("figure", "figures.parity_variants"),
        lock=LOCK,
    output:
        **figure("parity_variants"),
    log:
        "<logs>/figure_parity_variants.log",
    benchmark:
        "<benchmarks>/figure_parity_variants.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figure="parity_variants",
    message:
        "Drawing the variants of the parity experiment"
    script:
        "../scripts/figure.py"
