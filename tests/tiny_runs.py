"""One short run of every kind that the tiny configuration trains."""

import importlib

import yaml
from snakemake.utils import update_config

from conftest import ROOT
from gradient_failures.config.paper import validated


def tiny_config():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "tests/tiny.yaml").read_text()))
    return validated(config)


def four_evaluations(settings):
    """The settings with so many steps that optimisers have a state at three evaluations."""
    return settings.model_copy(update={"steps": 3 * settings.eval_every})


def module_of(name):
    """The module of the training run ``name``, a key of ``RUNS``."""
    return importlib.import_module(f"gradient_failures.problems.{name.split('/')[0]}.experiment")


RUNS = {
    f"{computation.problem}/{run.point.name}": four_evaluations(run.point.settings)
    for computation in tiny_config().computations
    if computation.trains
    for run in computation.all_runs.values()
}
"""Settings by problem and grid point."""
