# One job computes one point of a grid for one block of seeds. The rule of problems/PROBLEM/NAME.py is
# compute_PROBLEM_NAME: compute_parity_experiment trains parities.


for computation in PAPER.computations:

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
        priority: priority_of(computation)
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **(
                {"gpu": 1}
                if computation.trains and PAPER.run.device.startswith("cuda")
                else {}
            ),
            mem_mb=growing(1500),
            runtime=60,
            checkpoint_every=60,
            jobs_per_gpu=PAPER.run.jobs_per_gpu,
        params:
            module=f"problems.{computation.problem}.{computation.name}",
            code=code_of(f"problems.{computation.problem}.{computation.name}"),
            device=PAPER.run.device if computation.trains else "cpu",
            settings=settings_at(computation),
            seeds=seeds_at(computation),
        message:
            "Computing {params.module} at {wildcards.point}, seeds {wildcards.seeds}"
        script:
            "../scripts/compute.py"
