"""Layout of the picture of the data flow: computations, the data they make, the figures drawn from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFlow:
    """Where each name is in its column, from 0 (top) to 1 (bottom), and the arrows between the columns."""

    computations: dict[str, float]
    data: dict[str, float]
    figures: dict[str, float]
    made: list[tuple[float, float]]
    drawn: list[tuple[float, float]]


def layout(made: Mapping[str, Sequence[str]], drawn: Mapping[str, Sequence[str]]) -> DataFlow:
    """Order the columns so that few arrows cross.

    Figures keep their order. Data comes in the order in which figures use it, data that no figure uses last;
    computations come in the order of the first data that they make.

    Parameters
    ----------
    made, drawn : the data that each computation makes, and that each figure is drawn from.
    """
    data = _slots(dict.fromkeys(name for names in [*drawn.values(), *made.values()] for name in names))
    computations = _slots(sorted(made, key=lambda maker: min(data[name] for name in made[maker])))
    figures = _slots(drawn)
    from_makers = [(computations[maker], data[name]) for maker, names in made.items() for name in names]
    to_figures = [(data[name], figures[figure]) for figure, names in drawn.items() for name in names]
    return DataFlow(computations, data, figures, made=from_makers, drawn=to_figures)


def _slots(names: Iterable[str]) -> dict[str, float]:
    """The middles of equal parts of the column."""
    column = list(names)
    return {name: (row + 0.5) / len(column) for row, name in enumerate(column)}
