"""Results that are damaged, lost or in doubt: never used, named with the command that repairs them."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from faults.conftest import BITS, METRICS, SIGNS, assert_same_data
from gradient_failures.__main__ import main

DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "altered": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
}


def damage(path, how):
    """Damage a file as a disk does: its time stays."""
    before = path.stat()
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("how", ["truncated", "emptied"])
def test_a_damaged_result_is_refused_by_what_reads_it(trained, trained_copy, assert_seen, how):
    damage(trained_copy.folder / SIGNS, how)
    assert "Nothing to be done" in trained_copy.run(METRICS)

    done = trained_copy.snakemake("--force", METRICS)
    assert done.returncode != 0
    assert_seen(done.stdout)
    assert not (trained_copy.folder / METRICS).exists()

    repair = re.search(r"Rebuild it with: (rm -f .*) && snakemake --cores all (\S+)", done.stdout)
    subprocess.run(shlex.split(repair[1]), cwd=trained_copy.folder, check=True)
    assert repair[2] == SIGNS
    trained_copy.run(SIGNS)
    trained_copy.run(METRICS)
    assert_same_data(trained_copy, trained)


def test_verify_finds_damage_and_its_commands_repair_it(
    finished, finished_copy, assert_seen, capsys, monkeypatch
):
    monkeypatch.chdir(finished_copy.folder)
    encodings, architectures, subsets = (
        Path(f"results/metrics/parity_{name}.nc") for name in ("encoding", "architecture", "subset_size")
    )
    damage(encodings, "altered")
    damage(architectures, "truncated")
    damage(subsets, "emptied")
    assert "Nothing to be done" in finished_copy.run()

    assert main(["verify"]) == 1
    output = capsys.readouterr().out
    assert_seen(output)
    remove, make = (shlex.split(line) for line in output.splitlines()[-2:])
    subprocess.run(remove, check=True)
    finished_copy.run(*make[3:], config=None)
    assert main(["verify"]) == 0
    assert_same_data(finished_copy, finished, *map(str, (encodings, architectures, subsets)))


def test_lost_results_are_made_again(trained, trained_copy):
    for name in (BITS, METRICS):
        (trained_copy.folder / name).unlink()
    output = trained_copy.run(METRICS)
    assert re.search("compute_parity_experiment +1\n", output)
    assert_same_data(trained_copy, trained)


def test_a_result_is_refused_if_its_source_changes_while_it_is_computed(project, assert_seen):
    """The job appends to a source file of its own while it trains."""
    project.edit(
        "src/gradient_failures/problems/parity/experiment.py",
        "    return fit(",
        "    with open(__file__, 'a') as source: source.write('EDITED = 1')\n    return fit(",
    )
    done = project.snakemake(SIGNS)
    assert done.returncode != 0
    assert_seen(done.stdout)
    assert not (project.folder / SIGNS).exists()
