"""The profile for graphics cards."""

import pytest
import torch

PROFILE = ["--workflow-profile", "profiles/gpu"]


def test_the_profile_plans_the_whole_paper_in_large_blocks(project):
    assert project.planned(*PROFILE, config=None) == project.planned(config="config/cluster.yaml")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a card")
def test_the_profile_demands_a_card(project):
    done = project.snakemake("all", *PROFILE, config=None)
    assert done.returncode != 0
    assert "No training here: device 'cuda' is not here" in done.stdout
    assert not (project.folder / "results").exists()
