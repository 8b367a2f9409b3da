"""Cells as they travel, strings mostly, to typed values and back.

Each parser takes what JSON or a CSV file can hold and returns the typed value, or None for a
missing one. Nothing here knows of rows, fields or models.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from specr_scorer.model import Cell
from specr_scorer.schema import DataType


class CellError(ValueError):
    """A cell that is no value of its column's type; the message goes on after the cell."""


_MISSING: Final = frozenset({"", "nan", "nat"})
_TRUE: Final = frozenset({"true", "1", "1.0"})
_FALSE: Final = frozenset({"false", "0", "0.0"})
FLOAT32_OVERFLOW: Final = 3.4028235677973366e38
"""Half a step above the largest Float32: from here on rounding gives infinity (IEEE 754)."""
_INT_DIGITS: Final = 19
"""The digits of the largest Int64; a decimal that needs more is out of range whatever they are."""
_SHOWN: Final = 40
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400 * _SECOND
_INT64: Final = 2**63
_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def shown(cell: object) -> str:
    """A cell as error messages quote it: one line, shortened."""
    if isinstance(cell, str):
        return repr(cell) if len(cell) <= _SHOWN else f"{cell[:_SHOWN]!r}… ({len(cell)} characters)"
    if isinstance(cell, list):
        return "a list"
    if isinstance(cell, dict):
        return "an object"
    return {True: "true", False: "false"}[cell] if isinstance(cell, bool) else repr(cell)


def _check_plain(text: str) -> None:
    """Refuse what only Python reads as a number: `1_000` and other scripts' digits."""
    if "_" in text or not text.isascii():
        raise CellError("is not a number")


def parse_float64(cell: object) -> float | None:
    """A finite double, or None."""
    if isinstance(cell, str):
        if not cell:
            return None
        try:
            value = float(cell)
        except ValueError:
            if cell.strip().lower() == "nat":
                return None
            raise CellError("is not a number") from None
        _check_plain(cell)
    elif cell is None:
        return None
    elif isinstance(cell, (float, int)):
        value = float(cell)
    else:
        raise CellError("is not a number")
    if math.isinf(value):
        raise CellError("is not a finite number")
    return None if math.isnan(value) else value


def parse_float32(cell: object) -> float | None:
    """A double that rounds to a finite Float32, or None."""
    value = parse_float64(cell)
    if value is not None and abs(value) >= FLOAT32_OVERFLOW:
        raise CellError("is out of the range of Float32")
    return value


def _whole(cell: object) -> int | None:
    """An integer of any size that is written as one (`7`, `7.0`, `7e0`), or None."""
    if isinstance(cell, str):
        _check_plain(cell)
        try:
            return int(cell)
        except ValueError:
            text = cell.strip().lower()
            return None if cell == "" or text in {"nan", "nat"} else _whole_decimal(text)
    if cell is None:
        return None
    if isinstance(cell, int):
        return int(cell)
    if isinstance(cell, float):
        if math.isnan(cell):
            return None
        if not cell.is_integer():  # which infinity is not
            raise CellError("is not a whole number")
        return int(cell)
    raise CellError("is not a number")


def _whole_decimal(text: str) -> int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise CellError("is not a number") from None
    if not value.is_finite():
        raise CellError("is not a finite number")
    if value.adjusted() >= _INT_DIGITS:  # before int(): 1e999999999 would fill the memory
        raise CellError("is out of range")
    if value != value.to_integral_value():
        raise CellError("is not a whole number")
    return int(value)


def parse_int32(cell: object) -> int | None:
    """A whole number in [-2^31, 2^31), or None."""
    value = _whole(cell)
    if value is not None and not -(2**31) <= value < 2**31:
        raise CellError("is out of the range of Int32")
    return value


def parse_int64(cell: object) -> int | None:
    """A whole number in [-2^63, 2^63), or None."""
    value = _whole(cell)
    if value is not None and not -_INT64 <= value < _INT64:
        raise CellError("is out of the range of Int64")
    return value


def parse_bool(cell: object) -> bool | None:
    """True or False from a boolean, its name in any case, 1 or 0; or None."""
    if cell is None:
        return None
    if isinstance(cell, str):
        text = cell.lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        if text in _MISSING:
            return None
    elif isinstance(cell, (bool, int, float)) and cell in {0, 1}:
        return bool(cell)
    raise CellError("is not a boolean (write True or False)")


def parse_str(cell: object) -> str | None:
    """The text itself; numbers and booleans by their text; None for a missing or empty cell."""
    return (cell or None) if isinstance(cell, str) else copied(cell)


def parse_time64(cell: object) -> int | None:
    """Nanoseconds since the epoch from ISO 8601's date, or date and time; without a zone it is UTC."""
    if cell is None:
        return None
    match = _TIME.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        if isinstance(cell, str) and cell.lower() in _MISSING:
            return None
        raise CellError("is not a time (write 2021-01-31, 2021-01-31 23:59:59 or 2021-01-31T23:59:59Z)")
    value = _nanoseconds(match)
    if not -_INT64 < value < _INT64:  # the least Int64 is numpy's NaT
        raise CellError("is out of the range of Time64 (1677-09-22 to 2262-04-11)")
    return value


def _nanoseconds(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, zone = match.group(7), match.group(8)
    if hour > 23 or minute > 59 or second > 59:
        raise CellError("is not a time of day")
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        raise CellError("is not a date of the calendar") from None
    seconds = hour * 3600 + minute * 60 + second - _zone_seconds(zone)
    return days * _DAY + seconds * _SECOND + int((fraction or "0").ljust(9, "0"))


def _zone_seconds(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise CellError("has no such time zone")
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def copied(cell: object) -> str | None:
    """Any scalar cell as text, unchanged if it is one; None stays None."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, (bool, int, float)):
        return str(cell)
    raise CellError("is not a string, number, boolean or null")


PARSERS: Final[dict[DataType, Callable[[object], Cell]]] = {
    DataType.BOOL: parse_bool,
    DataType.INT32: parse_int32,
    DataType.INT64: parse_int64,
    DataType.FLOAT32: parse_float32,
    DataType.FLOAT64: parse_float64,
    DataType.STR: parse_str,
    DataType.TIME64: parse_time64,
}


def _missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - only NaN differs from itself


def _render_float(value: Any) -> str | None:
    """The shortest text that reads back as the same double, also for Float32, whose value it keeps."""
    return None if _missing(value) else repr(float(value))


def _render_int(value: Any) -> str | None:
    if _missing(value):
        return None
    whole = int(value)
    if whole != value:
        raise ValueError(f"{value!r} is not a whole number")
    return str(whole)


def _render_bool(value: Any) -> str | None:
    if _missing(value):
        return None
    if value not in {0, 1}:
        raise ValueError(f"{value!r} is not a boolean")
    return str(bool(value))


def _render_str(value: Any) -> str | None:
    return None if _missing(value) else str(value)


def _render_time64(value: Any) -> str | None:
    if _missing(value):
        return None
    seconds, fraction = divmod(int(value), _SECOND)
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{fraction:09d}".rstrip("0") if fraction else text


RENDERERS: Final[dict[DataType, Callable[[Any], str | None]]] = {
    DataType.BOOL: _render_bool,
    DataType.INT32: _render_int,
    DataType.INT64: _render_int,
    DataType.FLOAT32: _render_float,
    DataType.FLOAT64: _render_float,
    DataType.STR: _render_str,
    DataType.TIME64: _render_time64,
}
"""A typed output value to its cell; None (or NaN) to None."""
