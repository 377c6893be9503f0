"""What the report says of the graphical summary, from a toy dataset."""

from gradient_failures.problems.summary import views
from gradient_failures.results.dataset import labelled
from problems.sections import rendered


def test_the_section_shows_the_settings_and_the_ratio_of_the_curvatures():
    surfaces = labelled({"eigenvalue": ("direction", [2.0, 5.0, 1000.0], "eigenvalue")}, {})
    settings = {
        "targets": 7,
        "target_norm": 5.0,
        "target_dim": 10,
        "tuple_length": 3,
        "tuples": 20000,
        "n_points": 100,
    }
    view = views.view({"loss_surfaces": surfaces}, {"loss_surfaces": {"settings": settings}}, {})
    assert view["curvature_ratio"] == 500
    section = rendered(views, view=view)
    for text in (
        "figure loss_surfaces",
        "Losses of 7 linear-periodic targets of norm 5 in 10 dimensions",
        "tuples of 3 images",
        "the mean over 20\u202f000",
        "curves of 100 points",
        "have the ratio 500",
        "evidence of summary",
    ):
        assert text in section
