"""What plain scalars mean: the core schema of YAML 1.2, section 10.3.2.

Plain means written without quotes and not as a block. So `no`, `1_000`, `0b11`,
`12:30:00` and `2021-01-01` are text. A number beyond the range of a 64-bit float, such as `1e400`,
stays text too, since no number that specs could carry means the same.
"""

from __future__ import annotations

import math
import re
from typing import Final

Scalar = str | int | float | bool | None

_FIXED: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + text: math.inf for sign in ("", "+") for text in (".inf", ".Inf", ".INF")},
    **{"-" + text: -math.inf for text in (".inf", ".Inf", ".INF")},
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

_LONGEST_INTEGER: Final = 300
"""Digits after which the value is certainly over 64 bits; reading far more would take long."""


def resolve_plain(text: str) -> Scalar:
    """The value of a plain scalar."""
    if text in _FIXED:
        return _FIXED[text]
    if _INTEGER.fullmatch(text):
        return int(text[:_LONGEST_INTEGER])
    if _OCTAL.fullmatch(text):
        return int(text[2:_LONGEST_INTEGER], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:_LONGEST_INTEGER], 16)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
