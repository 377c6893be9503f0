# One job computes one point of a grid for one block of seeds. The rule of problems/PROBLEM/NAME.py is
# compute_PROBLEM_NAME: compute_parity_experiment trains parities.


for computation in PAPER.computations:
    source = f"problems.{computation.problem}.{computation.name}"
    device = PAPER.run.device if computation.trains else "cpu"

    rule:
        name:
            computation.rule
        input:
            lock=LOCK,
        output:
            f"<results>/runs/{computation.problem}/{computation.name}/{{point}}/seeds~{{seeds}}.nc",
        log:
            f"<logs>/{computation.rule}/{{point}}/seeds~{{seeds}}.log",
        benchmark:
            f"<logs>/{computation.rule}/{{point}}/seeds~{{seeds}}.tsv"
        wildcard_constraints:
            point="[^/]+",
            seeds=r"\d+-\d+|none",
        # Jobs with most samples to train on start first: they take longest.
        priority: of_run(computation, lambda run: run.point.settings.priority * len(run.seeds) / 1e6)
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **({"gpu": 1} if device.startswith("cuda") else {}),
            mem_mb=growing(1500),
            runtime=60,
            checkpoint_every=60,
            jobs_per_gpu=PAPER.run.jobs_per_gpu,
        params:
            module=source,
            code=code_of(source),
            device=device,
            settings=of_run(computation, lambda run: run.point.settings.model_dump()),
            seeds=of_run(computation, lambda run: list(run.seeds)),
        message:
            "Computing {params.module} at {wildcards.point}, seeds {wildcards.seeds}"
        script:
            "../scripts/compute.py"
