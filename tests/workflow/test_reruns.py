"""A change re-runs exactly the rules that depend on it."""

import pytest

VERDICTS = {"claims": 1, "report": 1}
PARITY_FIGURES = {"figure_parity": 1, "figure_parity_variants": 1}
FIGURES = {**PARITY_FIGURES, "figure_allocation": 1, "figure_curves": 1}
PARITY = {"train_parity": 10, "combine": 4, **PARITY_FIGURES, **VERDICTS}
ALLOCATION = {"train_allocation": 4, "combine": 1, "figure_allocation": 1, **VERDICTS}
CURVES = {"train_curves": 11, "combine": 2, "figure_curves": 1, **VERDICTS}
OPTIMISED = {**ALLOCATION, **CURVES, "combine": 3}
TRAINING = {
    "train_parity": 10,
    "train_allocation": 4,
    "train_curves": 11,
    "combine": 7,
    **FIGURES,
    **VERDICTS,
}
EVERYTHING = {**TRAINING, "diagnose_realisability": 1}

PACKAGE = "src/gradient_failures"

EDITS = [
    (f"{PACKAGE}/experiments/parity.py", PARITY),
    (f"{PACKAGE}/experiments/allocation.py", ALLOCATION),
    (f"{PACKAGE}/experiments/curves.py", CURVES),
    (f"{PACKAGE}/config/parity.py", PARITY),
    (f"{PACKAGE}/config/allocation.py", ALLOCATION),
    (f"{PACKAGE}/config/curves.py", CURVES),
    (f"{PACKAGE}/networks.py", TRAINING),
    (f"{PACKAGE}/training.py", TRAINING),
    (f"{PACKAGE}/optimisers.py", OPTIMISED),
    (f"{PACKAGE}/dataset.py", EVERYTHING),
    (f"{PACKAGE}/combine.py", {"combine": 7, **FIGURES, **VERDICTS}),
    (f"{PACKAGE}/diagnostics/realisability.py", {"diagnose_realisability": 1, **VERDICTS}),
    (f"{PACKAGE}/figures/parity.py", {"figure_parity": 1, "report": 1}),
    (f"{PACKAGE}/plotting.py", {**FIGURES, "report": 1}),
    (f"{PACKAGE}/statistics.py", {**FIGURES, **VERDICTS}),
    (f"{PACKAGE}/claims.py", VERDICTS),
    (f"{PACKAGE}/report.py", {"report": 1}),
    ("workflow/scripts/claims.py", VERDICTS),
    ("workflow/report/style.css", {"report": 1}),
    ("config/claims.yaml", VERDICTS),
    ("config/published.yaml", {"figure_parity": 1, "figure_allocation": 1, "figure_curves": 1, "report": 1}),
    ("config/deviations.yaml", {"report": 1}),
    ("requirements.lock", EVERYTHING),
    ("requirements-dev.lock", {}),
    ("README.md", {}),
    (f"{PACKAGE}/config/errors.py", VERDICTS),
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
        'curves={"training": {"linear": {"optimiser": {"learning_rate": 0.001}}}}',
        {"train_curves": 2, "combine": 2, "figure_curves": 1, **VERDICTS},
    ),
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
