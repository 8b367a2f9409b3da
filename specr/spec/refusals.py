"""What the language of specs leaves out of YAML, as findings: how each refusal reads.

Decides nothing but whether a scalar's value is one that specs can hold.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from specr.spec.fault import Fault, Place

if TYPE_CHECKING:
    from specr.spec.scalars import Scalar

DEPTH_LIMIT: Final = 64
"""Mappings and lists inside each other."""

ALIASED_LIMIT: Final = 100_000
"""Values that aliases may add to one document, so that a few lines can't stand for millions."""

_AS_TEXT: Final = "Put quotes round it to make it text."


def check_scalar(value: Scalar, place: Place, width: int) -> None:
    """Refuse a value that specs can't hold.

    Raises:
        Fault: the value is no JSON of 64 bits, or a text that no program could be told.
    """
    if isinstance(value, str):
        if "\0" in value or not _encodable(value):
            raise Fault(
                "Character that text can't hold",
                "An escape in double quotes gives a NUL character or half of a surrogate pair.",
                place,
                width=width,
            )
    elif isinstance(value, float):
        if not math.isfinite(value):
            detail = "Infinity and NaN have no place in a spec."
            raise Fault("Number is not finite", detail, place, remedy=_AS_TEXT, width=width)
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        detail = f"Integers go from {-(2**63)} to {2**64 - 1}."
        raise Fault("Integer over 64 bits", detail, place, remedy=_AS_TEXT, width=width)


def tag(name: str, place: Place) -> Fault:
    """A tag, which asks for a type."""
    return Fault(
        "Tags are not supported",
        f"The tag {name[:60]!r} asks for a type of its own; specs hold text, numbers, booleans, null, "
        "lists and mappings only.",
        place,
        remedy="Remove the tag; put quotes round a value to make it text.",
    )


def merge_key(place: Place) -> Fault:
    """`<<` as a key."""
    return Fault(
        "Merge keys are not supported",
        "`<<` is not part of YAML 1.2, which specs are written in.",
        place,
        remedy="Write the keys out, or refer to the whole value with an alias.",
        width=2,
    )


def bad_key(place: Place, width: int) -> Fault:
    """A key that is neither a text nor the number of a version."""
    return Fault(
        "Key is not text",
        "A key is a text; only the versions of a Model have integers for keys.",
        place,
        remedy="Put quotes round it.",
        width=width,
    )


def duplicate_key(key: Scalar, place: Place, width: int, first: Place) -> Fault:
    """A key that the mapping has already."""
    again = "If another document begins here, put a line `---` before it; else keep one of the two."
    return Fault(
        "Duplicate key",
        f"The key {str(key)[:60]!r} is given twice in one mapping.",
        place,
        remedy=again if str(key) == "apiVersion" else "Keep one of the two.",
        width=width,
        earlier=("It was given first", first),
    )


def unknown_alias(name: str, place: Place, *, unfinished: bool) -> Fault:
    """An alias to nothing, or to a value that it is a part of."""
    width = len(name) + 1
    if unfinished:
        detail = f"`*{name}` stands inside the value that it names."
        return Fault("Alias inside its own anchor", detail, place, width=width)
    detail = f"No anchor `&{name}` comes before `*{name}` in this document."
    return Fault("Alias to an unknown anchor", detail, place, width=width)


def too_many_aliased(name: str, place: Place) -> Fault:
    """An alias that makes a document too large."""
    return Fault(
        "Too many aliased values",
        f"Aliases may add {ALIASED_LIMIT:,} values to a document; this one adds more.",
        place,
        remedy="Write fewer aliases, or split the document.",
        width=len(name) + 1,
    )


def too_deep(place: Place) -> Fault:
    """A mapping or list too far inside others."""
    detail = f"Mappings and lists may lie {DEPTH_LIMIT} levels deep; this one lies deeper."
    return Fault("Nested too deeply", detail, place)


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
