"""Whole columns of cells to values and back: what `cells` does one at a time, faster for many.

A fast way is taken only where it can't differ: all cells of one type, and nothing among them that the
parsers and renderers of single cells treat in a way of their own. Whatever else there is goes through those.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from specr_scorer.cells import FLOAT32_OVERFLOW, PARSERS, RENDERERS
from specr_scorer.model import Cell
from specr_scorer.schema import DataType

_FEW: Final = 8
"""Up to so many cells, looking for a fast way takes longer than it saves."""
_NUMBERS: Final = frozenset({float, int})
_FLOATS: Final = frozenset({DataType.FLOAT32, DataType.FLOAT64})
_INTS: Final = frozenset({DataType.INT32, DataType.INT64})


def parse_column(data_type: DataType, cells: list[Any]) -> list[Cell]:
    """The typed values of a column's cells.

    Raises:
        CellError: a cell is no value of the type; which one, the caller finds out.
    """
    if len(cells) > _FEW:
        fast = _FAST.get(data_type)
        values = None if fast is None else fast(cells)
        if values is not None:
            return values
    parse = PARSERS[data_type]
    return [parse(cell) for cell in cells]


def render_column(data_type: DataType, column: Sequence[Any]) -> list[str | None]:
    """A column's values as cells.

    Raises:
        TypeError, ValueError, OverflowError: a value is none of the type.
    """
    if len(column) > _FEW:
        rendered = _render_alike(data_type, column)
        if rendered is not None:
            return rendered
    render = RENDERERS[data_type]
    return [render(value) for value in column]


def _render_alike(data_type: DataType, column: Sequence[Any]) -> list[str | None] | None:
    if data_type in _FLOATS:
        # an array's own conversion is exact, and faster than one value after another
        to_list = getattr(column, "tolist", None)
        values = column if to_list is None else to_list()
        if set(map(type, values)) == {float} and not any(map(math.isnan, values)):
            return list(map(repr, values))
    elif data_type in _INTS and set(map(type, column)) == {int}:
        return list(map(str, column))
    return None


def _are_plain(texts: list[str]) -> bool:
    """Whether no text holds what only Python reads as a number."""
    joined = "".join(texts)
    return joined.isascii() and "_" not in joined


def _floats(cells: list[Any], bound: float = math.inf) -> list[Cell] | None:
    kinds = set(map(type, cells))
    if kinds != {str} if str in kinds else not kinds <= _NUMBERS:
        return None
    if str in kinds and not _are_plain(cells):
        return None
    try:
        values = cells if kinds == {float} else list(map(float, cells))
    except ValueError:
        return None
    # a sum is finite only if all that is in it is; what overflows though nothing in it does goes on slowly
    if math.isfinite(sum(values)) and (bound == math.inf or max(map(abs, values)) < bound):
        return values
    return None


def _ints(cells: list[Any], least: int, most: int) -> list[Cell] | None:
    kinds = set(map(type, cells))
    if kinds not in ({int}, {str}) or (kinds == {str} and not _are_plain(cells)):
        return None
    try:
        values = list(map(int, cells))
    except ValueError:
        return None
    return list(values) if least <= min(values) and max(values) <= most else None


def _strs(cells: list[Any]) -> list[Cell] | None:
    return list(cells) if set(map(type, cells)) == {str} and "" not in cells else None


_FAST: Final[dict[DataType, Callable[[list[Any]], list[Cell] | None]]] = {
    DataType.INT32: partial(_ints, least=-(2**31), most=2**31 - 1),
    DataType.INT64: partial(_ints, least=-(2**63), most=2**63 - 1),
    DataType.FLOAT32: partial(_floats, bound=FLOAT32_OVERFLOW),
    DataType.FLOAT64: _floats,
    DataType.STR: _strs,
}
