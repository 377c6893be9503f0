"""A change re-runs exactly the rules that depend on it."""

from collections import Counter

import pytest

TRAINING = {
    "parity": {"train_parity": 10, "combine": 4, "figure_parity": 1, "figure_parity_variants": 1},
    "tuples": {"train_tuples": 10, "combine": 7, "figure_tuples": 1, "figure_tuple_variants": 1},
    "allocation": {"train_allocation": 4, "combine": 1, "figure_allocation": 1},
    "curves": {"train_curves": 11, "combine": 2, "figure_curves": 1},
    "steps": {"train_steps": 4, "combine": 1, "figure_steps": 1},
}
DIAGNOSTICS = {
    "realisability": {"diagnose_realisability": 1},
    "image_ceiling": {"diagnose_image_ceiling": 1, "figure_tuples": 1, "figure_tuple_variants": 1},
    "estimator_noise": {"diagnose_estimator_noise": 1, "figure_allocation": 1},
    "gradient_variance": {
        "diagnose_gradient_variance": 2,
        "combine_seeds": 1,
        "figure_gradient_variance": 1,
    },
    "snr": {"diagnose_snr": 2, "combine_seeds": 1, "figure_snr": 1},
    "linear_periodic": {"diagnose_linear_periodic": 1, "figure_linear_periodic": 1},
    "gaussian_tuples": {"diagnose_gaussian_tuples": 1, "figure_gaussian_tuples": 1},
    "lemmas": {"diagnose_lemmas": 1},
    "conditioning": {"diagnose_conditioning": 1, "figure_conditioning": 1},
    "curve_steps": {"diagnose_curve_steps": 4, "combine_seeds": 1, "figure_conditioning": 1},
    "forward_only": {"diagnose_forward_only": 1, "figure_forward_only": 1},
    "loss_surfaces": {"diagnose_loss_surfaces": 1, "figure_loss_surfaces": 1},
}
FAMILIES = {**TRAINING, **DIAGNOSTICS}
CRATE = {"crate": 1}
REPORT = {"report": 1, **CRATE}
VERDICTS = {"claims": 1, "costs": 1, **REPORT}
DRAWN = {"figures_pdf": 1, "costs": 1, **REPORT}


def together(*families):
    """The jobs of families by name, and what follows; a figure that two of them share is drawn once."""
    jobs = {name: count for family in families for name, count in FAMILIES[family].items()}
    combined = Counter()
    for family in dict.fromkeys(families):
        combined.update({name: count for name, count in FAMILIES[family].items() if "combine" in name})
    drawn = DRAWN if any(name.startswith("figure_") for name in jobs) else {}
    return {**jobs, **combined, **VERDICTS, **drawn}


EVERYTHING = {**together(*FAMILIES), "figure_tuple_images": 1}
FIGURES = {name: count for name, count in EVERYTHING.items() if name.startswith("figure_")}
COMBINED = {name: count for name, count in EVERYTHING.items() if name.startswith("combine")}
FIGURES_OF_COMBINED = {
    name: 1
    for family in [*TRAINING, "gradient_variance", "snr", "curve_steps"]
    for name in FAMILIES[family]
    if name.startswith("figure_")
}
PUBLISHED = {f"figure_{name}": 1 for name in ("parity", "tuples", "snr", "allocation", "curves", "steps")}

CURVES = ["curves", "conditioning", "curve_steps", "loss_surfaces"]

PACKAGE = "src/gradient_failures"

EDITS = [
    (f"{PACKAGE}/experiments/parity.py", together("parity", "gradient_variance")),
    (f"{PACKAGE}/experiments/tuples.py", together("tuples")),
    (f"{PACKAGE}/experiments/allocation.py", together("allocation", "estimator_noise")),
    (f"{PACKAGE}/experiments/curves.py", together(*CURVES)),
    (f"{PACKAGE}/experiments/steps.py", together("steps", "loss_surfaces")),
    (f"{PACKAGE}/config/parity.py", together("parity", "gradient_variance")),
    (f"{PACKAGE}/config/allocation.py", together("allocation", "estimator_noise")),
    (f"{PACKAGE}/config/curves.py", together(*CURVES)),
    (f"{PACKAGE}/config/steps.py", together("steps", "loss_surfaces")),
    (f"{PACKAGE}/tuple_networks.py", together("tuples", "snr", "loss_surfaces")),
    (
        f"{PACKAGE}/line_images.py",
        {**together("tuples", "snr", "image_ceiling", "loss_surfaces"), "figure_tuple_images": 1},
    ),
    (f"{PACKAGE}/line_convolutions.py", together("tuples", "snr", "loss_surfaces")),
    (f"{PACKAGE}/networks.py", together("parity", "steps", "gradient_variance", *CURVES)),
    (f"{PACKAGE}/layers.py", together(*TRAINING, "estimator_noise", "gradient_variance", "snr", *CURVES)),
    (f"{PACKAGE}/training.py", together(*TRAINING, "estimator_noise", "gradient_variance", *CURVES)),
    (f"{PACKAGE}/device.py", together(*TRAINING)),
    (f"{PACKAGE}/checkpoint.py", together(*TRAINING, "estimator_noise", "gradient_variance", *CURVES)),
    (
        f"{PACKAGE}/optimisers.py",
        together("tuples", "allocation", "steps", "estimator_noise", *CURVES),
    ),
    (f"{PACKAGE}/dataset.py", EVERYTHING),
    (f"{PACKAGE}/combine.py", {**COMBINED, **FIGURES_OF_COMBINED, **VERDICTS, **DRAWN}),
    (f"{PACKAGE}/quadrature.py", together("linear_periodic", "gaussian_tuples", "loss_surfaces")),
    (f"{PACKAGE}/diagnostics/realisability.py", together("realisability")),
    (
        f"{PACKAGE}/diagnostics/conditioning.py",
        together("conditioning", "curve_steps", "loss_surfaces"),
    ),
    (f"{PACKAGE}/diagnostics/linear_periodic.py", together("linear_periodic", "loss_surfaces")),
    (f"{PACKAGE}/diagnostics/forward_only.py", together("forward_only")),
    (f"{PACKAGE}/figures/parity.py", {"figure_parity": 1, **DRAWN}),
    (f"{PACKAGE}/plotting.py", {**FIGURES, **DRAWN}),
    (f"{PACKAGE}/statistics.py", {**FIGURES, **together("gaussian_tuples", "snr")}),
    (f"{PACKAGE}/measures.py", VERDICTS),
    (f"{PACKAGE}/claims.py", VERDICTS),
    (f"{PACKAGE}/wording.py", VERDICTS),
    (f"{PACKAGE}/report.py", REPORT),
    (f"{PACKAGE}/dataflow.py", REPORT),
    (f"{PACKAGE}/costs.py", {"costs": 1, **REPORT}),
    ("workflow/scripts/figures_pdf.py", {"figures_pdf": 1, **CRATE}),
    ("workflow/report/captions/parity.rst", CRATE),
    ("workflow/scripts/claims.py", VERDICTS),
    ("workflow/report/style.css", REPORT),
    ("config/claims.yaml", VERDICTS),
    ("config/published.yaml", {**PUBLISHED, **DRAWN}),
    ("config/deviations.yaml", REPORT),
    ("requirements.lock", EVERYTHING),
    ("requirements-dev.lock", {}),
    ("README.md", {}),
    (f"{PACKAGE}/config/errors.py", {**COMBINED, **FIGURES, **VERDICTS, **DRAWN}),
    (f"{PACKAGE}/config/schema.py", CRATE),
    (f"{PACKAGE}/imports.py", CRATE),
    (f"{PACKAGE}/crate.py", CRATE),
    ("workflow/rules/train.smk", CRATE),
    ("Snakefile", CRATE),
    ("CITATION.cff", CRATE),
    ("config/smoke.yaml", {}),
]


@pytest.mark.parametrize(("name", "jobs"), EDITS, ids=[name for name, _ in EDITS])
def test_editing_a_file_reruns_what_depends_on_it(finished_copy, name, jobs):
    path = finished_copy.folder / name
    with path.open("a") as file:
        file.write("/* edited */\n" if name.endswith(".css") else "# edited\n")
    assert finished_copy.planned() == jobs


OVERRIDES = [
    ("device=auto", together(*TRAINING)),
    ("jobs_per_card=2", REPORT),
    ('parity={"training": {"learning_rate": 0.02}}', together("parity")),
    ('allocation={"training": {"optimiser": {"beta1": 0.8}}}', together("allocation")),
    (
        'steps={"training": {"multiclass": {"batch_size": 8}}}',
        {**together("steps"), "train_steps": 1},
    ),
    (
        'tuples={"training": {"decomposition": {"batch_size": 6}}}',
        {**together("tuples"), "train_tuples": 7, "combine": 5},
    ),
    (
        'curves={"training": {"linear": {"optimiser": {"learning_rate": 0.001}}}}',
        {**together("curves"), "train_curves": 2},
    ),
    ('image_ceiling={"images": 2000}', together("image_ceiling")),
    ('estimator_noise={"initialisations": 3}', together("estimator_noise")),
    ('curve_steps={"settings": {"batch_size": 5}}', together("curve_steps")),
    ('curve_steps={"seeds": 3}', {**together("curve_steps"), "diagnose_curve_steps": 2}),
    (
        'curve_steps={"settings": {"n_points": [10, 12, 20]}}',
        {**together("curve_steps"), "diagnose_curve_steps": 2},
    ),
    ('gradient_variance={"seeds": 3}', {**together("gradient_variance"), "diagnose_gradient_variance": 1}),
    ('forward_only={"iterations": 10}', together("forward_only")),
    ('realisability={"sampled_inputs": 60}', together("realisability")),
    (
        'parity={"sweeps": {"parity": {"dim": [3, 4, 5]}}}',
        {"train_parity": 2, "combine": 1, "figure_parity": 1, **VERDICTS, **DRAWN},
    ),
    (
        'parity={"sweeps": {"parity_encoding": {"seeds": 4}}}',
        {"train_parity": 2, "combine": 1, "figure_parity_variants": 1, **VERDICTS, **DRAWN},
    ),
]


@pytest.mark.parametrize(("override", "jobs"), OVERRIDES, ids=[override for override, _ in OVERRIDES])
def test_changing_a_key_reruns_what_uses_it(finished_copy, override, jobs):
    assert finished_copy.planned("--config", override) == jobs


def test_touching_a_file_without_changing_it_reruns_nothing(finished_copy):
    for path in (finished_copy.folder / "src").rglob("*.py"):
        path.touch()
    assert finished_copy.planned() == {}
