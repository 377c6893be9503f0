"""The profile for GPUs."""

PROFILE = ["--workflow-profile", "profiles/gpu"]


def test_the_profile_plans_the_whole_paper_in_large_blocks(project):
    assert project.planned(*PROFILE, config=None) == project.planned(config="config/cluster.yaml")
