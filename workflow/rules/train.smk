# One job trains one block of seeds at one grid point; the rule of each experiment is train_EXPERIMENT.


for experiment in PAPER.experiments():

    rule:
        name:
            f"train_{experiment}"
        input:
            code=code_of("train", f"experiments.{experiment}"),
            lock=LOCK,
        output:
            f"<results>/runs/{experiment}/{{point}}/seeds~{{first}}-{{last}}.nc",
        log:
            f"<logs>/train_{experiment}/{{point}}/seeds~{{first}}-{{last}}.log",
        benchmark:
            f"<benchmarks>/train_{experiment}/{{point}}/seeds~{{first}}-{{last}}.tsv"
        wildcard_constraints:
            point="[^/]+",
            first=r"\d+",
            last=r"\d+",
        priority: millions_of_samples(experiment)
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **CARD,
            mem_mb=growing(1500),
            runtime=60,
            checkpoint_every=60,
            jobs_per_card=PAPER.jobs_per_card,
        params:
            experiment=experiment,
            device=PAPER.device,
            training=training_of(experiment),
        message:
            "Training {params.experiment} at {wildcards.point}, seeds {wildcards.first} to {wildcards.last}"
        script:
            "../scripts/train.py"
