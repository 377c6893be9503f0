# Figures as SVG, PNG and PDF, in the order of the paper, with what each is drawn from; the rule of each is figure_NAME.

FIGURES = {
    "parity": {
        "learning": "<results>/metrics/parity.nc",
        "subset_size": "<results>/metrics/parity_subset_size.nc",
        "published": PUBLISHED,
    },
    "parity_variants": {
        "architecture": "<results>/metrics/parity_architecture.nc",
        "encoding": "<results>/metrics/parity_encoding.nc",
    },
    "gradient_variance": {"variances": "<results>/metrics/gradient_variance.nc"},
    "linear_periodic": {"variances": "<results>/metrics/linear_periodic.nc"},
    "tuple_images": {},
    "tuples": {
        "tuples": "<results>/metrics/tuples.nc",
        "ceiling": "<results>/metrics/image_ceiling.nc",
        "published": PUBLISHED,
    },
    "tuple_variants": {
        "pairs": "<results>/metrics/tuples_pairs.nc",
        "long": "<results>/metrics/tuples_long.nc",
        "longer": "<results>/metrics/tuples_longer.nc",
        "rasterisation": "<results>/metrics/tuples_rasterisation.nc",
        "training_set": "<results>/metrics/tuples_training_set.nc",
        "initial_scale": "<results>/metrics/tuples_initial_scale.nc",
        "ceiling": "<results>/metrics/image_ceiling.nc",
    },
    "snr": {
        "snr": "<results>/metrics/snr.nc",
        "published": PUBLISHED,
    },
    "gaussian_tuples": {"variances": "<results>/metrics/gaussian_tuples.nc"},
    "curves": {
        "curves": "<results>/metrics/curves.nc",
        "published": PUBLISHED,
    },
    "conditioning": {
        "conditioning": "<results>/metrics/conditioning.nc",
        "steps": "<results>/metrics/curve_steps.nc",
    },
    "loss_surfaces": {"surfaces": "<results>/metrics/loss_surfaces.nc"},
    "allocation": {
        "allocation": "<results>/metrics/allocation.nc",
        "noise": "<results>/metrics/estimator_noise.nc",
        "published": PUBLISHED,
    },
    "steps": {
        "steps": "<results>/metrics/steps.nc",
        "published": PUBLISHED,
    },
    "forward_only": {
        "forward_only": "<results>/metrics/forward_only.nc",
    },
}

DRAWN = expand("<results>/figures/{name}.{kind}", name=FIGURES, kind=FIGURE_FORMATS)


for name, inputs in FIGURES.items():

    rule:
        name:
            f"figure_{name}"
        input:
            **inputs,
            code=code_of("figure", f"figures.{name}"),
            lock=LOCK,
        output:
            **figure(name),
        log:
            f"<logs>/figure_{name}.log",
        benchmark:
            f"<benchmarks>/figure_{name}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=10,
        params:
            figure=name,
        message:
            "Drawing the figure {params.figure}"
        script:
            "../scripts/figure.py"


rule figures_pdf:
    input:
        figures=expand("<results>/figures/{name}.pdf", name=FIGURES),
        code=code_of("figures_pdf"),
        lock=LOCK,
    output:
        "<results>/report/figures.pdf",
    log:
        "<logs>/figures_pdf.log",
    benchmark:
        "<benchmarks>/figures_pdf.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    message:
        "Binding the figures"
    script:
        "../scripts/figures_pdf.py"
