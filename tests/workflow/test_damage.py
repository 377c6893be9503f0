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


def test_unreadable_published_numbers_are_named(finished_copy):
    finished_copy.write("config/published.yaml", "figure_1: [")
    done = finished_copy.snakemake("figure_parity")
    assert done.returncode != 0
    assert "config/published.yaml" in done.stdout
