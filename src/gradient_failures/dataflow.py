"""Layout of the picture of the data flow: rules, the data they make, the figures drawn from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFlow:
    """Where each name is in its column, from 0 (top) to 1 (bottom), and the arrows between the columns."""

    rules: dict[str, float]
    data: dict[str, float]
    figures: dict[str, float]
    made: list[tuple[float, float]]
    drawn: list[tuple[float, float]]


def layout(
    data_by_rule: Mapping[str, Sequence[str]], data_by_figure: Mapping[str, Sequence[str]]
) -> DataFlow:
    """Order the columns so that few arrows cross.

    Figures keep their order. Data comes in the order in which figures use it, data that no figure uses last;
    rules come in the order of the first data that they make.
    """
    used = [name for names in data_by_figure.values() for name in names]
    made = [name for names in data_by_rule.values() for name in names]
    data = _places(dict.fromkeys([*used, *made]))
    rules = _places(sorted(data_by_rule, key=lambda rule: min(data[name] for name in data_by_rule[rule])))
    figures = _places(data_by_figure)
    return DataFlow(
        rules,
        data,
        figures,
        made=[(rules[rule], data[name]) for rule, names in data_by_rule.items() for name in names],
        drawn=[(data[name], figures[figure]) for figure, names in data_by_figure.items() for name in names],
    )


def _places(names: Iterable[str]) -> dict[str, float]:
    """The middles of equal parts of the column."""
    column = list(names)
    return {name: (row + 0.5) / len(column) for row, name in enumerate(column)}
