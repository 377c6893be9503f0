"""Damaged or failing jobs: the user reads what is wrong and how to mend it, and the next run mends it."""

RUN = "results/runs/parity/dim~5/seeds~0-1.nc"


def test_truncated_result_is_refused_with_the_command_that_rebuilds_it(finished_copy):
    run = finished_copy.folder / RUN
    run.write_bytes(run.read_bytes()[:2000])
    done = finished_copy.snakemake("--force", "results/metrics/parity.nc")
    assert done.returncode != 0
    assert f"{RUN}: not readable as netCDF4, truncated or damaged" in done.stdout
    assert f"snakemake --cores all {RUN}" in done.stdout

    run.unlink()
    finished_copy.run()
    assert "Nothing to be done" in finished_copy.run()


def test_deleted_figures_and_metrics_are_made_again(finished_copy):
    lost = ["figures/parity.png", "figures/parity_variants.pdf", "metrics/allocation.nc"]
    for name in lost:
        (finished_copy.folder / "results" / name).unlink()
    finished_copy.run()
    assert all((finished_copy.folder / "results" / name).exists() for name in lost)


def test_a_result_is_refused_if_its_source_changes_while_it_is_computed(project):
    """The job appends to a source file of its own while it trains."""
    project.edit(
        "src/gradient_failures/experiments/parity.py",
        "    return fit_each(",
        "    with open(__file__, 'a') as source: source.write('# edited')\n    return fit_each(",
    )
    run = "results/runs/parity/dim~3/seeds~0-1.nc"
    done = project.snakemake(run)
    assert done.returncode != 0
    assert "the source files changed while this job ran" in done.stdout
    assert not (project.folder / run).exists()
