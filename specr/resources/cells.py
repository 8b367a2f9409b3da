"""Cells of golden rows: how requests carry them, which of them no scorer takes, which no answer can equal.

What is refused here is what the scorer API has no reading for, so no row that a runtime takes is lost by it.
Nothing here knows of rows, specs or diagnostics.
"""

from __future__ import annotations

import math
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_MISSING: Final = frozenset({"", "nan", "nat"})
_TRUE: Final = frozenset({"true", "1", "1.0"})
_FALSE: Final = frozenset({"false", "0", "0.0"})
_FLOATS: Final = frozenset({"Float32", "Float64"})
_BITS: Final = {"Int32": 31, "Int64": 63}
NUMBERS: Final = _FLOATS | _BITS.keys()
"""The column types whose cells are numbers."""

_FLOAT32_OVERFLOW: Final = (2 - 2**-24) * 2.0**127
"""Half a step above the largest Float32: from here on rounding gives infinity (IEEE 754)."""
_INT_DIGITS: Final = 19
"""The digits of the largest Int64."""
_TIME: Final = (
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?"
    r"\s?(?:Z|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?)?"
)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def cell_text(value: Any) -> str | None:
    """A cell as requests carry it: text, or null."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_missing(value: Any) -> bool:
    """Whether a cell stands for a missing value, in a column of any type."""
    return value is None or str(value).lower() in _MISSING


def truth(value: Any) -> bool | None:
    """The boolean that a cell means; None where it means none."""
    text = str(value).lower()
    return True if text in _TRUE else False if text in _FALSE else None


def cell_fault(value: Any, kind: str) -> str:
    """What is wrong with an input cell of a column of this type, after "the cell"; "" where nothing is.

    Whether a column may lack a value is not told by its type: missing ones are never wrong.
    """
    text = cell_text(value)
    if text is None:
        return ""
    if kind in _FLOATS:
        return _float_fault(text, kind)
    if kind in _BITS:
        return _whole_fault(text, kind)
    if kind == "Boolean":
        return "" if truth(text) is not None or is_missing(text) else "is not a boolean"
    return _time_fault(text) if kind == "Time64" else ""


def never_equals(expected: Any, kind: str) -> bool:
    """Whether no cell of an output column of this type can be what is expected."""
    if is_missing(expected):
        return False
    if kind == "Boolean":
        return truth(expected) is None
    if kind not in NUMBERS:
        return False
    try:
        float(expected)
    except (TypeError, ValueError):
        return True
    return False


def _is_plain(text: str) -> bool:
    """Whether this is no spelling of a number that only Python knows: `1_000` and other scripts' digits."""
    return "_" not in text and text.isascii()


def _float_fault(text: str, kind: str) -> str:
    if text.strip().lower() == "nat" or not text:
        return ""
    try:
        value = float(text)
    except ValueError:
        return "is not a number"
    if not _is_plain(text):
        return "is not a number"
    if math.isinf(value):
        return "is not a finite number"
    too_large = kind == "Float32" and abs(value) >= _FLOAT32_OVERFLOW
    return "is out of the range of Float32" if too_large else ""


def _whole_fault(text: str, kind: str) -> str:
    if not _is_plain(text):
        return "is not a number"
    if not text or text.strip().lower() in {"nan", "nat"}:
        return ""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return "is not a number"
    if not value.is_finite():
        return "is not a finite number"
    out_of_range = f"is out of the range of {kind}"
    if value.adjusted() >= _INT_DIGITS:  # before int(): 1e999999999 would fill the memory
        return out_of_range
    if value != value.to_integral_value():
        return "is not a whole number"
    return "" if -(2 ** _BITS[kind]) <= int(value) < 2 ** _BITS[kind] else out_of_range


def _time_fault(text: str) -> str:
    match = re.fullmatch(_TIME, text.strip(), re.ASCII)
    if match is None:
        return "" if text.lower() in _MISSING else "is not a time"
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = match.groups()[6:]
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return "is not a date of the calendar"
    zone = (int(zone_hours or 0) * 60 + int(zone_minutes or 0)) * (-1 if sign == "-" else 1)
    seconds = ((days * 24 + hour) * 60 + minute - zone) * 60 + second
    nanoseconds = seconds * 10**9 + int((fraction or "0").ljust(9, "0"))
    return "" if abs(nanoseconds) < 2**63 else "is out of the range of Time64 (1677-09-22 to 2262-04-11)"
