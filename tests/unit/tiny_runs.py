"""One short run of every kind that the tiny configuration has."""

import yaml
from snakemake.utils import update_config

from conftest import ROOT, TINY
from gradient_failures.config.paper import validated


def tiny_config():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    update_config(config, yaml.safe_load(TINY))
    return validated(config)


def four_evaluations(training):
    """The settings with so many steps that optimisers have a state at three evaluations."""
    return training.model_copy(update={"steps": 3 * training.eval_every})


RUNS = {
    f"{name}/{point.slug()}": (name, point, four_evaluations(part.training_at(point.slug())))
    for name, part in tiny_config().experiments().items()
    for sweep in part.sweeps.values()
    for point in sweep.points()
}
