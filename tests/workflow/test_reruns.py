"""A change re-runs exactly the rules that depend on it."""

import pytest

VERDICTS = {"claims": 1, "report": 1}
PARITY_FIGURES = {"figure_parity": 1, "figure_parity_variants": 1}
TUPLE_FIGURES = {"figure_tuples": 1, "figure_tuple_variants": 1}
DATA_FIGURES = {
    **PARITY_FIGURES,
    **TUPLE_FIGURES,
    "figure_allocation": 1,
    "figure_curves": 1,
    "figure_steps": 1,
}
FIGURES = {**DATA_FIGURES, "figure_snr": 1, "figure_tuple_images": 1}
PARITY = {"train_parity": 10, "combine": 4, **PARITY_FIGURES, **VERDICTS}
TUPLES = {"train_tuples": 10, "combine": 7, **TUPLE_FIGURES, **VERDICTS}
ALLOCATION = {"train_allocation": 4, "combine": 1, "figure_allocation": 1, **VERDICTS}
CURVES = {"train_curves": 11, "combine": 2, "figure_curves": 1, **VERDICTS}
STEPS = {"train_steps": 4, "combine": 1, "figure_steps": 1, **VERDICTS}
CEILING = {"diagnose_image_ceiling": 1, **TUPLE_FIGURES, **VERDICTS}
SNR = {"diagnose_snr": 1, "figure_snr": 1, **VERDICTS}


def together(*families):
    """The jobs of several families; those of one name are the same jobs, but for combining."""
    return {
        **{name: count for family in families for name, count in family.items()},
        "combine": sum(family.get("combine", 0) for family in families),
    }


OPTIMISED = together(TUPLES, ALLOCATION, CURVES, STEPS)
TRAINING = together(PARITY, OPTIMISED)
NOISE = {"diagnose_estimator_noise": 1, "figure_allocation": 1, **VERDICTS}
EVERYTHING = {
    **TRAINING,
    **FIGURES,
    **NOISE,
    **SNR,
    "diagnose_realisability": 1,
    "diagnose_image_ceiling": 1,
}

PUBLISHED = {
    **{f"figure_{name}": 1 for name in ("parity", "tuples", "snr", "allocation", "curves", "steps")},
    "report": 1,
}

PACKAGE = "src/gradient_failures"

EDITS = [
    (f"{PACKAGE}/experiments/parity.py", PARITY),
    (f"{PACKAGE}/experiments/tuples.py", TUPLES),
    (f"{PACKAGE}/experiments/allocation.py", {**ALLOCATION, **NOISE}),
    (f"{PACKAGE}/experiments/curves.py", CURVES),
    (f"{PACKAGE}/experiments/steps.py", STEPS),
    (f"{PACKAGE}/config/parity.py", PARITY),
    (f"{PACKAGE}/config/allocation.py", {**ALLOCATION, **NOISE}),
    (f"{PACKAGE}/config/curves.py", CURVES),
    (f"{PACKAGE}/config/steps.py", STEPS),
    (f"{PACKAGE}/tuple_networks.py", {**TUPLES, **SNR}),
    (f"{PACKAGE}/line_images.py", {**TUPLES, **CEILING, **SNR, "figure_tuple_images": 1}),
    (f"{PACKAGE}/networks.py", together(PARITY, STEPS)),
    (f"{PACKAGE}/layers.py", {**TRAINING, **NOISE, **SNR}),
    (f"{PACKAGE}/training.py", {**TRAINING, **NOISE}),
    (f"{PACKAGE}/optimisers.py", {**OPTIMISED, **NOISE}),
    (f"{PACKAGE}/dataset.py", EVERYTHING),
    (f"{PACKAGE}/combine.py", {"combine": 15, **DATA_FIGURES, **VERDICTS}),
    (f"{PACKAGE}/diagnostics/realisability.py", {"diagnose_realisability": 1, **VERDICTS}),
    (f"{PACKAGE}/diagnostics/snr.py", SNR),
    (f"{PACKAGE}/figures/parity.py", {"figure_parity": 1, "report": 1}),
    (f"{PACKAGE}/plotting.py", {**FIGURES, "report": 1}),
    (f"{PACKAGE}/statistics.py", {**FIGURES, **SNR}),
    (f"{PACKAGE}/claims.py", VERDICTS),
    (f"{PACKAGE}/report.py", {"report": 1}),
    ("workflow/scripts/claims.py", VERDICTS),
    ("workflow/report/style.css", {"report": 1}),
    ("config/claims.yaml", VERDICTS),
    ("config/published.yaml", PUBLISHED),
    ("config/deviations.yaml", {"report": 1}),
    ("requirements.lock", EVERYTHING),
    ("requirements-dev.lock", {}),
    ("README.md", {}),
    (f"{PACKAGE}/config/errors.py", {**FIGURES, **VERDICTS}),
    (f"{PACKAGE}/config/schema.py", {}),
]


@pytest.mark.parametrize(("name", "jobs"), EDITS, ids=[name for name, _ in EDITS])
def test_editing_a_file_reruns_what_depends_on_it(finished_copy, name, jobs):
    path = finished_copy.folder / name
    with path.open("a") as file:
        file.write("/* edited */\n" if name.endswith(".css") else "# edited\n")
    assert finished_copy.planned() == jobs


OVERRIDES = [
    ('parity={"training": {"learning_rate": 0.02}}', PARITY),
    ('allocation={"training": {"optimiser": {"beta1": 0.8}}}', ALLOCATION),
    (
        'steps={"training": {"multiclass": {"batch_size": 8}}}',
        {"train_steps": 1, "combine": 1, "figure_steps": 1, **VERDICTS},
    ),
    (
        'tuples={"training": {"decomposition": {"batch_size": 6}}}',
        {"train_tuples": 7, "combine": 5, **TUPLE_FIGURES, **VERDICTS},
    ),
    (
        'curves={"training": {"linear": {"optimiser": {"learning_rate": 0.001}}}}',
        {"train_curves": 2, "combine": 2, "figure_curves": 1, **VERDICTS},
    ),
    ('image_ceiling={"images": 2000}', CEILING),
    ('estimator_noise={"initialisations": 3}', NOISE),
    ('snr={"blocks": 5}', SNR),
    ('realisability={"sampled_inputs": 60}', {"diagnose_realisability": 1, **VERDICTS}),
    (
        'parity={"sweeps": {"parity": {"dim": [3, 4, 5]}}}',
        {"train_parity": 2, "combine": 1, "figure_parity": 1, **VERDICTS},
    ),
    (
        'parity={"sweeps": {"parity_encoding": {"seeds": 4}}}',
        {"train_parity": 2, "combine": 1, "figure_parity_variants": 1, **VERDICTS},
    ),
]


@pytest.mark.parametrize(("override", "jobs"), OVERRIDES, ids=[override for override, _ in OVERRIDES])
def test_changing_a_key_reruns_what_uses_it(finished_copy, override, jobs):
    assert finished_copy.planned("--config", override) == jobs


def test_touching_a_file_without_changing_it_reruns_nothing(finished_copy):
    for path in (finished_copy.folder / "src").rglob("*.py"):
        path.touch()
    assert finished_copy.planned() == {}
