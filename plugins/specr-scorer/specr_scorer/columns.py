"""Whole columns of cells to values and back: what `cells` does one at a time, faster for many.

A fast way is taken only where it can't differ: all cells of one type, and nothing among them that the
parsers and renderers of single cells treat in a way of their own. Whatever else there is goes through those.

Numbers in text are read and written by orjson, as one list: both round as Python does and write the
shortest text that reads back, several times faster than one call for each.
"""

import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from types import NoneType
from typing import Any, Final

import orjson

from specr_scorer.cells import FLOAT32_OVERFLOW, PARSERS, RENDERERS
from specr_scorer.model import Cell
from specr_scorer.schema import DataType

_FEW_READ: Final = 4
_FEW_WRITTEN: Final = 8
"""Up to so many cells, looking for a fast way takes longer than it saves."""
_TEXTS: Final = frozenset({str, NoneType})
_NUMBERS: Final = frozenset({float, int, NoneType})
_WHOLE: Final = frozenset({int, NoneType})
_MINUS_ZERO: Final = re.compile(r"-0\s*(?:,|$)")
_FLOATS: Final = frozenset({DataType.FLOAT32, DataType.FLOAT64})
_INTS: Final = frozenset({DataType.INT32, DataType.INT64})


def parse_column(data_type: DataType, cells: list[Any]) -> list[Cell]:
    """The typed values of a column's cells.

    Raises:
        CellError: a cell is no value of the type; which one, the caller finds out.
    """
    values = parse_alike(data_type, cells) if len(cells) > _FEW_READ else None
    if values is not None:
        return values
    parse = PARSERS[data_type]
    return [parse(cell) for cell in cells]


def parse_alike(data_type: DataType, cells: list[Any]) -> list[Cell] | None:
    """The typed values of cells by their type's fast way; None where there is none, or not for these."""
    fast = _FAST.get(data_type)
    return None if fast is None else fast(cells)


def render_column(data_type: DataType, column: Sequence[Any]) -> list[str | None]:
    """A column's values as cells.

    Raises:
        TypeError, ValueError, OverflowError: a value is none of the type.
    """
    if len(column) > _FEW_WRITTEN:
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
        return _render_floats(values) if set(map(type, values)) == {float} else None
    if data_type in _INTS and set(map(type, column)) == {int}:
        return list(map(str, column))
    return None


def _render_floats(values: Sequence[float]) -> list[str | None] | None:
    """The shortest texts, as `repr` writes them; None where one is no finite number."""
    text = orjson.dumps(values).decode()
    if "n" in text:  # null: infinities and NaN
        return None
    if "e" in text or "0.0000" in text:  # very large and small numbers have other exponents
        return list(map(repr, values))
    return list(text[1:-1].split(","))


def _numbers(cells: list[Any]) -> tuple[list[Any], set[type]] | None:
    """Numbers, some of them in text, and gaps as None; with the types that there are."""
    kinds: set[type] = set(map(type, cells))
    if str in kinds:
        if not kinds <= _TEXTS:
            return None
        values = _read_texts(cells)
        return None if values is None else (values, set(map(type, values)))
    return cells, kinds


def _read_texts(cells: list[str | None]) -> list[Any] | None:
    """Cells that JSON reads as numbers too, and gaps as None; no list where one is anything else."""
    texts = cells if all(cells) else [cell or "null" for cell in cells]
    try:
        values: list[Any] = orjson.loads(f"[{','.join(texts)}]")  # type: ignore[arg-type]  # none is missing
    except orjson.JSONDecodeError:
        return None
    # of plain values, as many as cells, each is one cell's; strings and the like are sorted out by their type
    if len(values) != len(cells):
        return None
    if texts is cells:
        return None if None in values else values
    return values if values.count(None) == cells.count("") + cells.count(None) else None


def _floats(cells: list[Any], bound: float = math.inf) -> list[Cell] | None:
    numbers = _numbers(cells)
    if numbers is None:
        return None
    values, kinds = numbers
    if not kinds <= _NUMBERS:
        return None
    if int in kinds:
        if values is not cells and _may_hold_minus_zero(cells):
            return None
        values = [value if value is None else float(value) for value in values]
    present = [value for value in values if value is not None] if NoneType in kinds else values
    # a sum is finite only if all that is in it is; what overflows though nothing in it does goes on slowly
    if math.isfinite(sum(present)) and (bound == math.inf or max(map(abs, present), default=0) < bound):
        return values
    return None


def _may_hold_minus_zero(cells: list[str | None]) -> bool:
    """Whether a text may be `-0`, which as a whole number loses its sign."""
    return _MINUS_ZERO.search(",".join([cell or "" for cell in cells])) is not None


def _ints(cells: list[Any], least: int, most: int) -> list[Cell] | None:
    numbers = _numbers(cells)
    if numbers is None:
        return None
    values, kinds = numbers
    if not kinds <= _WHOLE:
        return None
    present = [value for value in values if value is not None] if NoneType in kinds else values
    return values if least <= min(present, default=0) and max(present, default=0) <= most else None


def _strs(cells: list[Any]) -> list[Cell] | None:
    return list(cells) if set(map(type, cells)) == {str} and "" not in cells else None


_FAST: Final[dict[DataType, Callable[[list[Any]], list[Cell] | None]]] = {
    DataType.INT32: partial(_ints, least=-(2**31), most=2**31 - 1),
    DataType.INT64: partial(_ints, least=-(2**63), most=2**63 - 1),
    DataType.FLOAT32: partial(_floats, bound=FLOAT32_OVERFLOW),
    DataType.FLOAT64: _floats,
    DataType.STR: _strs,
}
