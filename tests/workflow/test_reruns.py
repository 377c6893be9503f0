"""A change re-runs exactly the rules that depend on it."""

from collections import Counter

import pytest

COMPUTED = {
    "parity.experiment": {
        "compute_parity_experiment": 10,
        "combine": 4,
        "figures": ["parity", "parity_variants"],
    },
    "parity.gradient_variance": {
        "compute_parity_gradient_variance": 2,
        "combine": 1,
        "figures": ["gradient_variance"],
    },
    "parity.realisability": {"compute_parity_realisability": 1, "combine": 1},
    "linear_periodic.gradient_variance": {
        "compute_linear_periodic_gradient_variance": 1,
        "combine": 1,
        "figures": ["linear_periodic"],
    },
    "tuples.experiment": {
        "compute_tuples_experiment": 10,
        "combine": 7,
        "figures": ["tuples", "tuple_variants"],
    },
    "tuples.image_ceiling": {
        "compute_tuples_image_ceiling": 1,
        "combine": 1,
        "figures": ["tuple_images", "tuples", "tuple_variants"],
    },
    "tuples.snr": {"compute_tuples_snr": 2, "combine": 1, "figures": ["snr"]},
    "tuples.gaussian_tuples": {
        "compute_tuples_gaussian_tuples": 1,
        "combine": 1,
        "figures": ["gaussian_tuples"],
    },
    "tuples.lemmas": {"compute_tuples_lemmas": 1, "combine": 1},
    "allocation.experiment": {"compute_allocation_experiment": 4, "combine": 1, "figures": ["allocation"]},
    "allocation.estimator_noise": {
        "compute_allocation_estimator_noise": 1,
        "combine": 1,
        "figures": ["allocation"],
    },
    "curves.experiment": {
        "compute_curves_experiment": 11,
        "combine": 5,
        "draw_grid": 1,
        "figures": ["curves"],
    },
    "curves.conditioning": {"compute_curves_conditioning": 1, "combine": 1, "figures": ["conditioning"]},
    "curves.sgd_steps": {"compute_curves_sgd_steps": 4, "combine": 1, "figures": ["conditioning"]},
    "flat_activations.experiment": {
        "compute_flat_activations_experiment": 4,
        "combine": 1,
        "figures": ["flat_activations"],
    },
    "flat_activations.forward_only": {
        "compute_flat_activations_forward_only": 1,
        "combine": 1,
        "figures": ["forward_only"],
    },
    "summary.loss_surfaces": {"compute_summary_loss_surfaces": 1, "combine": 1, "figures": ["loss_surfaces"]},
}
CRATE = {"crate": 1}
REPORT = {"report": 1, **CRATE}
VERDICTS = {"claims": 1, "costs": 1, **REPORT}
DRAWN = {"figures_pdf": 1, "costs": 1, **REPORT}


def jobs_of(*names, **other):
    """The jobs of computations, and what follows from them; a figure that two of them share is drawn once."""
    jobs = Counter()
    figures = {figure for name in names for figure in COMPUTED[name].get("figures", [])}
    for name in names:
        jobs.update({rule: count for rule, count in COMPUTED[name].items() if rule != "figures"})
    drawn = DRAWN if figures else {}
    return {**jobs, **{f"figure_{figure}": 1 for figure in figures}, **VERDICTS, **drawn, **other}


EVERYTHING = jobs_of(*COMPUTED)
FIGURES = {name: count for name, count in EVERYTHING.items() if name.startswith(("figure_", "draw_grid"))}
TRAINING = [name for name in COMPUTED if name.endswith(".experiment")]
CURVES = ["curves.experiment", "curves.conditioning", "curves.sgd_steps"]
DRAWN_AGAIN = {**FIGURES, **DRAWN}

PACKAGE = "src/gradient_failures"

EDITS = [
    ("problems/parity/experiment.py", jobs_of("parity.experiment", "parity.gradient_variance")),
    ("problems/parity/settings.py", jobs_of(*(name for name in COMPUTED if name.startswith("parity.")))),
    ("problems/parity/realisability.py", jobs_of("parity.realisability")),
    ("problems/allocation/experiment.py", jobs_of("allocation.experiment", "allocation.estimator_noise")),
    ("problems/curves/conditioning.py", jobs_of(*CURVES[1:], "summary.loss_surfaces")),
    ("problems/curves/experiment.py", jobs_of(*CURVES, "summary.loss_surfaces")),
    (
        "problems/tuples/networks.py",
        jobs_of("tuples.experiment", "tuples.snr", "summary.loss_surfaces"),
    ),
    (
        "training/optimisers.py",
        jobs_of(
            *TRAINING[1:],
            "allocation.estimator_noise",
            *CURVES[1:],
            "summary.loss_surfaces",
        ),
    ),
    (
        "training/loop.py",
        jobs_of(
            *TRAINING,
            "allocation.estimator_noise",
            "parity.gradient_variance",
            *CURVES[1:],
            "summary.loss_surfaces",
        ),
    ),
    ("training/checkpoint.py", CRATE),
    ("training/devices.py", CRATE),
    ("training/progress.py", CRATE),
    ("config/base.py", CRATE),
    ("config/errors.py", CRATE),
    ("results/dataset.py", CRATE),
    ("provenance/origin.py", CRATE),
    ("job.py", CRATE),
    ("results/combine.py", {"combine": EVERYTHING["combine"], **FIGURES, **VERDICTS, **DRAWN}),
    ("results/plotting.py", DRAWN_AGAIN),
    ("results/grid_figure.py", {"draw_grid": 1, **DRAWN}),
    ("problems/parity/figures/parity.py", {"figure_parity": 1, **DRAWN}),
    ("problems/parity/views.py", REPORT),
    ("problems/parity/problem.py", REPORT),
    ("claims/estimators.py", VERDICTS),
    ("report/page.py", REPORT),
    ("report/costs.py", {"costs": 1, **REPORT}),
    ("provenance/crate.py", CRATE),
]


@pytest.mark.parametrize(("name", "jobs"), EDITS, ids=[name for name, _ in EDITS])
def test_a_changed_constant_reruns_what_depends_on_it(finished_copy, name, jobs):
    path = finished_copy.folder / PACKAGE / name
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    assert finished_copy.planned() == jobs


def test_comments_docstrings_log_lines_and_the_version_rerun_nothing(finished_copy):
    """But for the crate, which lists the program that made the results."""
    for path in (finished_copy.folder / PACKAGE).rglob("*.py"):
        text = path.read_text().replace('"""', '"""Edited. ', 1).replace("log.info(", "log.debug(")
        path.write_text(f"{text}# edited\n")
    finished_copy.edit("pyproject.toml", 'version = "', 'version = "9.')
    assert finished_copy.planned() == CRATE


FILES = [
    ("workflow/scripts/compute.py", EVERYTHING, "# edited\n"),
    (f"{PACKAGE}/problems/parity/claims.yaml", VERDICTS, "# edited\n"),
    (f"{PACKAGE}/problems/parity/published.yaml", {"figure_parity": 1, **DRAWN}, "# edited\n"),
    (f"{PACKAGE}/problems/parity/deviations.yaml", REPORT, "# edited\n"),
    (f"{PACKAGE}/problems/parity/section.html.j2", REPORT, "{# edited #}\n"),
    (f"{PACKAGE}/report/style.css", REPORT, "/* edited */\n"),
    ("requirements.lock", EVERYTHING, "# edited\n"),
    ("CITATION.cff", CRATE, "# edited\n"),
    ("workflow/rules/compute.smk", CRATE, "# edited\n"),
    ("requirements-dev.lock", {}, "# edited\n"),
    ("README.md", {}, "edited\n"),
    ("config/smoke.yaml", {}, "# edited\n"),
]


@pytest.mark.parametrize(("name", "jobs", "text"), FILES, ids=[name for name, *_ in FILES])
def test_editing_a_file_reruns_what_reads_it(finished_copy, name, jobs, text):
    with (finished_copy.folder / name).open("a") as file:
        file.write(text)
    assert finished_copy.planned() == jobs


def setting(problem, computation, text):
    return f'{problem}={{"{computation}": {text}}}'


PARITY_FIGURE = {"combine": 1, "figure_parity": 1, **VERDICTS, **DRAWN}
OVERRIDES = [
    ("device=auto", jobs_of(*TRAINING)),
    ("jobs_per_gpu=2", REPORT),
    (setting("parity", "experiment", '{"settings": {"learning_rate": 0.02}}'), jobs_of("parity.experiment")),
    (
        setting("allocation", "experiment", '{"settings": {"optimiser": {"beta1": 0.8}}}'),
        jobs_of("allocation.experiment"),
    ),
    (
        setting(
            "flat_activations",
            "experiment",
            '{"settings_by": {"approach": {"multiclass": {"batch_size": 8}}}}',
        ),
        jobs_of("flat_activations.experiment", compute_flat_activations_experiment=1),
    ),
    (
        setting(
            "tuples", "experiment", '{"settings_by": {"approach": {"decomposition": {"batch_size": 6}}}}'
        ),
        jobs_of("tuples.experiment", compute_tuples_experiment=7, combine=5),
    ),
    (setting("tuples", "image_ceiling", '{"settings": {"images": 2000}}'), jobs_of("tuples.image_ceiling")),
    (
        setting("curves", "sgd_steps", '{"grids": {"sgd_steps": {"seeds": 3}}}'),
        jobs_of("curves.sgd_steps", compute_curves_sgd_steps=2),
    ),
    (
        setting("curves", "sgd_steps", '{"grids": {"sgd_steps": {"n_points": [10, 12, 20]}}}'),
        jobs_of("curves.sgd_steps", compute_curves_sgd_steps=2),
    ),
    (
        setting("parity", "experiment", '{"grids": {"parity": {"dim": [3, 4, 5]}}}'),
        {"compute_parity_experiment": 2, **PARITY_FIGURE},
    ),
    (
        setting("parity", "experiment", '{"grids": {"parity": {"seeds": 2}}}'),
        PARITY_FIGURE,
    ),
]


@pytest.mark.parametrize(("override", "jobs"), OVERRIDES, ids=[override for override, _ in OVERRIDES])
def test_changing_a_key_reruns_what_uses_it(finished_copy, override, jobs):
    assert finished_copy.planned("--config", override) == jobs


def test_touching_a_file_without_changing_it_reruns_nothing(finished_copy):
    for path in (finished_copy.folder / "src").rglob("*.py"):
        path.touch()
    assert finished_copy.planned() == {}
