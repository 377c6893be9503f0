"""Jobs that fail: the others go on, earlier results are kept, and the same command finishes."""

import numpy as np
import xarray as xr

from faults.conftest import BITS, METRICS, SIGNS, assert_same_data
from gradient_failures.results import dataset

PARITY = "src/gradient_failures/problems/parity/experiment.py"
TRAIN = "    return fit("


def test_a_job_that_fails_stops_no_other(trained, trained_copy, assert_seen):
    fault = f"    assert settings.input_encoding == 'signs', 'a mistake'\n{TRAIN}"
    trained_copy.edit(PARITY, TRAIN, fault)
    for _ in range(2):
        done = trained_copy.snakemake(METRICS)
        assert done.returncode != 0
        assert_seen(done.stdout)
        assert not (trained_copy.folder / BITS).exists()
        assert_same_data(trained_copy, trained, SIGNS, METRICS)

    trained_copy.edit(PARITY, fault, TRAIN)
    trained_copy.run(METRICS)
    assert_same_data(trained_copy, trained)


def test_a_job_that_fails_once_is_retried(trained, trained_copy, assert_seen):
    (trained_copy.folder / SIGNS).unlink()
    once = "__import__('pathlib').Path('failed')"
    fault = f"    if not {once}.exists(): {once}.touch(); raise OSError('the network is down')\n{TRAIN}"
    trained_copy.edit(PARITY, TRAIN, fault)
    done = trained_copy.snakemake(SIGNS, "--retries", "1")
    assert done.returncode == 0, done.stdout
    assert_seen(done.stdout)
    assert_same_data(trained_copy, trained, SIGNS)


def test_a_run_that_diverges_is_recorded_and_stops_no_other(project):
    override = 'parity={"experiment": {"settings": {"learning_rate": 1.0e30}}}'
    project.run(SIGNS, "--config", override)
    run = dataset.read(project.folder / SIGNS)
    assert run["seed"].values.tolist() == [0, 1]
    assert (run["diverged_at_step"] > 0).any()
    after = run["accuracy"].where(run["step"] >= run["diverged_at_step"], drop=True)
    assert np.isnan(after).all()
    xr.testing.assert_equal(run["accuracy"].isnull().any("step"), run["diverged_at_step"].notnull())
