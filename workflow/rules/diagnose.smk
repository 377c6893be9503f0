# Measurements that need no training, or run beside it.


rule diagnose_realisability:
    input:
        code=code_of("diagnose", "diagnostics.realisability"),
        lock=LOCK,
    output:
        "<results>/metrics/realisability.nc",
    log:
        "<logs>/diagnose_realisability.log",
    benchmark:
        "<benchmarks>/diagnose_realisability.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        diagnostic="realisability",
        config=PAPER.realisability.model_dump(),
    message:
        "Checking lemma 3: the network class represents every parity"
    script:
        "../scripts/diagnose.py"
