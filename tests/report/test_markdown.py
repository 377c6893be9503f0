"""Tables in Markdown."""

from gradient_failures.report.markdown import escaped, row, table


def test_signs_of_markdown_are_escaped():
    assert escaped("|v*| < 5, d_max: [0.1, 0.2]") == r"\|v\*\| \< 5, d\_max: [0.1, 0.2]"
    assert escaped("a row\n\n# and no other") == "a row # and no other"
    assert escaped("[no link](javascript:x) &lt;") == r"[no link]\(javascript:x) \&lt;"


def test_a_bar_ends_no_cell_and_is_escaped_once():
    assert row(["|v|", escaped("|v|")]) == r"| \|v\| | \|v\| |"


def test_a_table_has_a_rule_below_its_headings():
    assert table(["a", "b"], [["1", "2"], ["3", ""]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |  |"
    assert table(["a", "b"], []) == "| a | b |\n|---|---|"


def test_columns_are_aligned_where_that_is_asked_for():
    assert table(["name", "b"], [["|", "long one"]], aligned=True).splitlines() == [
        "| name | b        |",
        "|------|----------|",
        r"| \|   | long one |",
    ]
