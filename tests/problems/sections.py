"""Sections of the report as text, for the tests of what is in them."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gradient_failures.claims.text import number
from gradient_failures.report.theory import series


def rendered(views, **shown):
    """The section next to the module ``views``; its tables say how many cells their rows have too many."""
    environment = Environment(loader=FileSystemLoader(Path(views.__file__).parent), undefined=StrictUndefined)
    environment.filters |= {"number": number, "series": series}
    return environment.get_template("section.html.j2").render(
        figure=lambda name, alt, caller: f"figure {name} ({alt}): {caller()}",
        table=lambda caption, headings, rows: f"{caption}: {[len(row) - len(headings) for row in rows]}",
        evidence=lambda anchor: f"evidence of {anchor}",
        **shown,
    )
