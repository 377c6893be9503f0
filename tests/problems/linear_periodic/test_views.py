"""What the report says of linear-periodic targets, from a toy dataset."""

import pytest

from gradient_failures.claims.text import number
from gradient_failures.problems.linear_periodic import views
from problems.linear_periodic import toy
from problems.sections import rendered


def view():
    config = {"gradient_variance": {"settings": {"target": [2.0, 1.5], "sampled_targets": 10000}}}
    return views.view({"linear_periodic": toy.linear_periodic()}, config, {})


def test_the_table_has_the_largest_variance_at_every_third_norm():
    shown, worst = view(), toy.linear_periodic()["variance"].sel(weights="worst")
    assert shown["radii"] == ["r = 1", "r = 5"]
    assert shown["largest_variances"] == [
        [str(dim), *(number(float(worst.sel(dim=dim, radius=radius))) for radius in (1, 5))]
        for dim in (2, 3, 5, 7, 9, 11, 30)
    ]


def test_deviations_of_samples_and_how_fast_the_variance_falls():
    shown, data = view(), toy.linear_periodic()
    exact = data["variance"].values[0]
    deviations = abs(data["sampled_variance"].values - exact) / data["sampled_error"].values
    assert shown["largest_deviation"] == pytest.approx(max(deviations.ravel()))
    assert (shown["pairs"], shown["smallest_radius"], shown["largest_dim"]) == (42, 1, 30)
    assert shown["fall_at_smallest_radius"] == -data["log_slope_in_dim"].values[-1, 0]
    assert shown["last_radii"] == [7, 9]
    powers, slopes = data["power_over_expected"].values, data["joint_log_slope"].values
    assert shown["powers"] == [min(powers), max(powers)]
    assert shown["falls_together"] == sorted(-slopes)
    assert all(fall > 0 for fall in (shown["fall_at_smallest_radius"], *shown["falls_together"]))


def test_the_section_shows_what_the_view_found():
    shown = view()
    section = rendered(views, view=shown)
    lowest, highest = map(number, shown["powers"])
    slowest, fastest = map(number, shown["falls_together"])
    for text in (
        '<section id="linear_periodic">',
        "Estimates from 10\u202f000 sampled targets, at weights of norm 1, for each of 42 pairs of d and r",
        f"are at most {number(shown['largest_deviation'])} standard errors off",
        "figure linear_periodic (The loss surface",
        "the loss for v = (2.0, 1.5)",
        "Largest variance over all weights: [0, 0, 0, 0, 0, 0, 0]",
        "At r = 1 the worst weights",
        f"falls by {number(shown['fall_at_smallest_radius'])} for each dimension at d = 30.",
        f"between r = 7 and 9 the exponent is {lowest} to {highest} times d − 1",
        f"it falls by {slowest} to {fastest} for each unit",
        "evidence of linear_periodic",
    ):
        assert text in section
