# Measurements that train nothing; the rule of each is diagnose_NAME.


for diagnostic, part in PAPER.diagnostics().items():

    rule:
        name:
            f"diagnose_{diagnostic}"
        input:
            code=code_of("diagnose", f"diagnostics.{diagnostic}"),
            lock=LOCK,
        output:
            f"<results>/metrics/{diagnostic}.nc",
        log:
            f"<logs>/diagnose_{diagnostic}.log",
        benchmark:
            f"<benchmarks>/diagnose_{diagnostic}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=1500,
            runtime=30,
        params:
            diagnostic=diagnostic,
            config=part.model_dump(),
        message:
            "Measuring {params.diagnostic}"
        script:
            "../scripts/diagnose.py"
