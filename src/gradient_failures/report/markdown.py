"""Tables in Markdown."""

import re
from collections.abc import Iterable


def escaped(text: str) -> str:
    """``text`` in one line, with the signs that mean something in Markdown escaped."""
    return re.sub(r"([\\`*_<>|~$&]|(?<=\])\()", r"\\\1", " ".join(text.split()))


def row(cells: Iterable[str]) -> str:
    """One line of a table; a bar in a cell, which would end it, is escaped if it is not yet."""
    return f"| {' | '.join(map(_closed, cells))} |"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], *, aligned: bool = False) -> str:
    """A table, without the end of its last line; if ``aligned``, its columns can be read as plain text."""
    lines = [[_closed(cell) for cell in line] for line in (headings, *rows)]
    widths = [max(map(len, column)) if aligned else 0 for column in zip(*lines, strict=True)]
    titles, *body = (row(map(str.ljust, line, widths)) for line in lines)
    rule = "|".join("-" * (width + 2 if aligned else 3) for width in widths)
    return "\n".join([titles, f"|{rule}|", *body])


def _closed(cell: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", cell)
