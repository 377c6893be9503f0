"""What the report says of the graphical summary, from a toy dataset."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gradient_failures.claims.text import number
from gradient_failures.problems.summary import views
from gradient_failures.results.dataset import labelled


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
    environment = Environment(loader=FileSystemLoader(Path(views.__file__).parent), undefined=StrictUndefined)
    environment.filters["number"] = number
    section = environment.get_template("section.html.j2").render(
        view=view,
        figure=lambda name, alt, caller: f"figure {name} {caller()}",
        evidence=lambda anchor: f"evidence of {anchor}",
    )
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
