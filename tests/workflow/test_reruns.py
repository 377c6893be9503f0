"""A change re-runs exactly the rules that depend on it."""

import pytest

EVERYTHING_BUT_TRAINING = {
    "claims": 1,
    "combine": 4,
    "diagnose_realisability": 1,
    "figure_parity": 1,
    "figure_parity_variants": 1,
    "report": 1,
}
TRAINING = {
    "train_parity": 10,
    "combine": 4,
    "figure_parity": 1,
    "figure_parity_variants": 1,
    "claims": 1,
    "report": 1,
}

PACKAGE = "src/gradient_failures"

EDITS = [
    (f"{PACKAGE}/networks.py", TRAINING),
    (f"{PACKAGE}/experiments/parity.py", TRAINING),
    (f"{PACKAGE}/config/parity.py", TRAINING),
    (f"{PACKAGE}/dataset.py", {**EVERYTHING_BUT_TRAINING, "train_parity": 10}),
    (
        f"{PACKAGE}/combine.py",
        {"combine": 4, "figure_parity": 1, "figure_parity_variants": 1, "claims": 1, "report": 1},
    ),
    (f"{PACKAGE}/diagnostics/realisability.py", {"diagnose_realisability": 1, "claims": 1, "report": 1}),
    (f"{PACKAGE}/figures/parity.py", {"figure_parity": 1, "report": 1}),
    (f"{PACKAGE}/plotting.py", {"figure_parity": 1, "figure_parity_variants": 1, "report": 1}),
    (f"{PACKAGE}/statistics.py", {"figure_parity": 1, "figure_parity_variants": 1, "claims": 1, "report": 1}),
    (f"{PACKAGE}/claims.py", {"claims": 1, "report": 1}),
    (f"{PACKAGE}/report.py", {"report": 1}),
    ("workflow/scripts/claims.py", {"claims": 1, "report": 1}),
    ("workflow/report/style.css", {"report": 1}),
    ("config/claims.yaml", {"claims": 1, "report": 1}),
    ("config/published.yaml", {"figure_parity": 1, "report": 1}),
    ("config/deviations.yaml", {"report": 1}),
    ("requirements.lock", {**EVERYTHING_BUT_TRAINING, "train_parity": 10}),
    ("requirements-dev.lock", {}),
    ("README.md", {}),
    (f"{PACKAGE}/config/schema.py", {}),
]


@pytest.mark.parametrize(("name", "jobs"), EDITS, ids=[name for name, _ in EDITS])
def test_editing_a_file_reruns_what_depends_on_it(finished_copy, name, jobs):
    path = finished_copy.folder / name
    with path.open("a") as file:
        file.write("/* edited */\n" if name.endswith(".css") else "# edited\n")
    assert finished_copy.planned() == jobs


OVERRIDES = [
    ('parity={"training": {"learning_rate": 0.02}}', TRAINING),
    ('realisability={"sampled_inputs": 60}', {"diagnose_realisability": 1, "claims": 1, "report": 1}),
    (
        'parity={"sweeps": {"parity": {"dim": [3, 4, 5]}}}',
        {"train_parity": 2, "combine": 1, "figure_parity": 1, "claims": 1, "report": 1},
    ),
    (
        'parity={"sweeps": {"parity_encoding": {"seeds": 4}}}',
        {"train_parity": 2, "combine": 1, "figure_parity_variants": 1, "claims": 1, "report": 1},
    ),
]


@pytest.mark.parametrize(("override", "jobs"), OVERRIDES, ids=[override for override, _ in OVERRIDES])
def test_changing_a_key_reruns_what_uses_it(finished_copy, override, jobs):
    assert finished_copy.planned("--config", override) == jobs


def test_touching_a_file_without_changing_it_reruns_nothing(finished_copy):
    for path in (finished_copy.folder / "src").rglob("*.py"):
        path.touch()
    assert finished_copy.planned() == {}
