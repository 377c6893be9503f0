"""Tables in Markdown."""

from collections.abc import Iterable


def row(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table, without the end of its last line."""
    titles = list(headings)
    return "\n".join([row(titles), "|---" * len(titles) + "|", *map(row, rows)])
