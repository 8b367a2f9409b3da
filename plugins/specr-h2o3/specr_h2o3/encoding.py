"""From a request's cells to the doubles that genmodel takes. Pure: what is asked of Java is asked at load.

A number goes into one place of a row, a time too, in milliseconds. A level fills as many places as its
encoding has: usually one, with its index. Missing cells, and levels that training did not see, are what the
encoding makes of missing ones, as H2O's own scoring has it; mostly NaN.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from specr_scorer import Cell

_NANOSECONDS: Final = 1_000_000.0
"""In a millisecond, which is what H2O counts times in."""

NAN: Final = math.nan


class Code(Protocol):
    """How one column's cells become numbers."""

    @property
    def slot(self) -> int:
        """Where in a row it begins."""

    def encode(self, cells: Sequence[Cell]) -> list[list[float]]:
        """A list of numbers for each place that it fills, from `slot` on."""


@dataclass(frozen=True, slots=True)
class NumberCode:
    """A number as it is; a time in milliseconds."""

    slot: int
    is_time: bool = False

    def encode(self, cells: Sequence[Cell]) -> list[list[float]]:
        """See `Code`."""
        if self.is_time:
            return [[NAN if cell is None else float(cell) / _NANOSECONDS for cell in cells]]
        return [[NAN if cell is None else float(cell) for cell in cells]]


@dataclass(frozen=True, slots=True)
class LevelCode:
    """A level by a table; `missing` is for what is not in it."""

    slot: int
    table: Mapping[str, tuple[float, ...]]
    missing: tuple[float, ...]

    def encode(self, cells: Sequence[Cell]) -> list[list[float]]:
        """See `Code`."""
        found = [self.table.get(cell, self.missing) for cell in cast("Sequence[str]", cells)]
        return [list(place) for place in zip(*found, strict=True)]


def level_code(
    slot: int, levels: Sequence[str], width: int, encode: Callable[[str | None], Sequence[float]]
) -> LevelCode:
    """The code of a categorical column, by asking its encoder for each level.

    Args:
        slot: where the column begins in a row.
        levels: those of training.
        width: numbers in a row.
        encode: what a level, or a missing one, makes of a row of NaN.
    """
    rows = [encode(None), *map(encode, levels)]
    filled = [place for place in range(width) if any(not math.isnan(row[place]) for row in rows)]
    end = max([slot, *filled]) + 1
    missing, *found = (tuple(row[slot:end]) for row in rows)
    return LevelCode(slot, dict(zip(levels, found, strict=True)), missing)


def encode_columns(
    codes: Sequence[tuple[str, Code]], columns: Mapping[str, Sequence[Cell]], width: int, rows: int
) -> list[list[float]]:
    """The numbers of all rows, by place; a place that no column fills is NaN."""
    places: list[list[float] | None] = [None] * width
    for name, code in codes:
        for offset, numbers in enumerate(code.encode(columns[name])):
            places[code.slot + offset] = numbers
    blank = [NAN] * rows
    return [blank if numbers is None else numbers for numbers in places]
