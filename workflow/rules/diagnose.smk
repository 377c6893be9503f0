# Measurements that train nothing; the rule of each is diagnose_NAME. A job takes all, or a block of seeds.


for diagnostic, part in PAPER.diagnostics().items():
    seeded = isinstance(part, SeededDiagnostic)
    folder = "runs" if seeded else "metrics"
    point = f"/{part.axis}~{{value}}" if seeded and part.axis else ""
    block = f"{point}/seeds~{{first}}-{{last}}" if seeded else ""

    rule:
        name:
            f"diagnose_{diagnostic}"
        input:
            code=code_of("diagnose", f"diagnostics.{diagnostic}"),
            lock=LOCK,
        output:
            f"<results>/{folder}/{diagnostic}{block}.nc",
        log:
            f"<logs>/diagnose_{diagnostic}{block}.log",
        benchmark:
            f"<benchmarks>/diagnose_{diagnostic}{block}.tsv"
        wildcard_constraints:
            first=r"\d+",
            last=r"\d+",
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=1500,
            runtime=60,
        params:
            diagnostic=diagnostic,
            settings=settings_of(diagnostic),
            seeds=seeds_of,
        message:
            "Measuring {params.diagnostic}"
        script:
            "../scripts/diagnose.py"
