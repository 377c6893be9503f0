# One job trains one block of seeds at one grid point.


rule train_parity:
    input:
        code=code_of("train", "experiments.parity"),
        lock=LOCK,
    output:
        "<results>/runs/parity/{point}/seeds~{first}-{last}.nc",
    log:
        "<logs>/train_parity/{point}/seeds~{first}-{last}.log",
    benchmark:
        "<benchmarks>/train_parity/{point}/seeds~{first}-{last}.tsv"
    wildcard_constraints:
        point="[^/]+",
        first=r"\d+",
        last=r"\d+",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        experiment="parity",
        training=PAPER.parity.training.model_dump(),
    message:
        "Training parity at {wildcards.point}, seeds {wildcards.first} to {wildcards.last}"
    script:
        "../scripts/train.py"


use rule train_parity as train_allocation with:
    input:
        code=code_of("train", "experiments.allocation"),
        lock=LOCK,
    output:
        "<results>/runs/allocation/{point}/seeds~{first}-{last}.nc",
    log:
        "<logs>/train_allocation/{point}/seeds~{first}-{last}.log",
    benchmark:
        "<benchmarks>/train_allocation/{point}/seeds~{first}-{last}.tsv"
    params:
        experiment="allocation",
        training=PAPER.allocation.training.model_dump(),
    message:
        "Training allocation at {wildcards.point}, seeds {wildcards.first} to {wildcards.last}"
