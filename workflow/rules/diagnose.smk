# Measurements that train nothing; the rule of each is diagnose_NAME. A job takes all, or a block of seeds.


for diagnostic in PAPER.diagnostics():
    folder = "runs" if diagnostic in SEEDED else "metrics"
    place = place_of(diagnostic)

    rule:
        name:
            f"diagnose_{diagnostic}"
        input:
            code=code_of("diagnose", f"diagnostics.{diagnostic}"),
            lock=LOCK,
        output:
            f"<results>/{folder}/{place}.nc",
        log:
            f"<logs>/diagnose_{place}.log",
        benchmark:
            f"<benchmarks>/diagnose_{place}.tsv"
        wildcard_constraints:
            first=r"\d+",
            last=r"\d+",
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=20,
        params:
            diagnostic=diagnostic,
            settings=settings_of(diagnostic),
            seeds=seeds_of,
        message:
            "Measuring {params.diagnostic}"
        script:
            "../scripts/diagnose.py"
