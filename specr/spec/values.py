"""The value of one document's text: fast where that is sure to be right, else exact.

The fast reader takes a fortieth of the time. It is asked only for texts in which it and the
exact parser can't differ, and what it refuses is given to the exact one, whose findings have places.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

import ryaml

from specr.spec.fault import SYNTAX, Fault
from specr.spec.refusals import DEPTH_LIMIT

SLOW_LIMIT: Final = 4 * 2**20
"""Characters in one document that the exact parser must read: half a minute's worth."""

BRACKET_LIMIT: Final = 10_000
"""Brackets and braces in a document for the fast reader: its time grows with the square of their depth."""

_AT_START: Final = r"(?<![^\s,\[\]{}:?'\"-]%s)"
_SUSPICIOUS: Final = (
    ("&", "&" + _AT_START % "&" + r"\S"),  # anchors
    ("*", r"\*" + _AT_START % r"\*" + r"\S"),  # aliases
    ("!", "!" + _AT_START % "!"),  # tags
    ("?", r"\?" + _AT_START % r"\?" + r"(?:\s|\Z)"),  # keys that are no plain words
    ("0", "0" + r"(?<![^\s,\[\]{}:]0)[0-9box]"),  # numbers with leading zeros or a base
    ("+0", r"\+0" + r"(?<![^\s,\[\]{}:]\+0)[0-9box]"),  # the same with a sign
    ("-0", "-0" + r"(?<![^\s,\[\]{}:]-0)[0-9box]"),  # not the end of `model-007`
    ("", r"[0-9]{39}"),  # integers that the fast reader takes for floats
    ("<<", "<<"),  # merge keys
    ("\t", "\t"),  # tabs: readers differ on where they may stand
    ("\\", r"\\(?:0|x00|u0000|U00000000)"),  # NUL by escape
    ("%", r"\n%|\A%"),  # directives
    ("#", r"#(?<=[|>0-9+-]#)"),  # comments too close to the head of a text block
    ("\n ", r"\n +(?:\n|\Z)"),  # lines of spaces, which may begin a text block
)
"""What begins a thing that the readers may differ on, which is found faster; and what it looks like."""

_DIRECTIVE: Final = r"(?:[ \t]*(?:#.*)?\n)*%"
_ODD_KEYS: Final = r"(?i:true|false)|[0-9]\.|\.[0-9]|[0-9][eE][-+0-9]"
"""What may be a key that Python's dicts take for the integer 0 or 1, or for another integer."""


def read_value(text: str, *, plain: bool | None = None) -> Any:
    """What a document's text means.

    `plain` is what `is_plain` says of it, or of a longer text that it is a piece of, if that is known.

    Text, numbers, booleans, None, lists and dicts, all of them JSON, but that the dict
    at `spec.versions` may have integers for keys.

    Raises:
        Fault: the text is not YAML, or holds what specs leave out of it.
    """
    if plain or (plain is None and is_plain(text)):
        try:
            value = ryaml.loads(text)  # type: ignore[attr-defined]  # its stub leaves out what it re-exports
        except ValueError:
            pass
        else:
            if _is_sound(value) and not (_has_integer_keys(value) and re.search(_ODD_KEYS, text)):
                return value
    return read_exactly(text)


def is_plain(text: str) -> bool:
    """Whether the fast reader either refuses the text or finds in it what the exact parser does.

    What is true of a text is true of each of the documents that it holds.
    """
    if text.count("[") + text.count("{") > BRACKET_LIMIT:
        return False
    return not any(begin in text and re.search(pattern, text) for begin, pattern in _SUSPICIOUS)


def read_exactly(text: str) -> Any:
    """What a document's text means, by the exact parser. See `read_value`."""
    if len(text) > SLOW_LIMIT:
        raise Fault(
            "Document is too long",
            f"It has {len(text):,} characters. Over {SLOW_LIMIT:,}, it can't have errors, tabs, anchors, "
            f"aliases, tags, numbers with leading zeros or over {BRACKET_LIMIT:,} brackets.",
            (0, 0),
            remedy="Split it, or remove these.",
        )
    directive = re.match(_DIRECTIVE, text)
    if directive is not None:
        raise Fault(
            SYNTAX,
            "A line that begins with `%` is a directive; specs have none but `%YAML 1.2`.",
            (text.count("\n", 0, directive.end() - 1), 0),
            remedy="Remove the line.",
        )
    from specr.spec.nodes import parse_nodes, value_of  # noqa: PLC0415 - the slow parser is imported when needed

    return value_of(parse_nodes(text))


def _is_sound(value: Any) -> bool:
    """Whether the value holds only what specs may hold; false also asks the exact parser for the place."""
    if type(value) is not dict:
        return False
    for key, item in value.items():
        if type(key) is not str:
            return False
        if key == "spec" and type(item) is dict:
            for name, argument in item.items():
                if type(name) is not str:
                    return False
                sound = _holds_versions(argument) if name == "versions" else _holds_json(argument, 2)
                if not sound:
                    return False
        elif not _holds_json(item, 1):
            return False
    return True


def _has_integer_keys(value: dict[str, Any]) -> bool:
    spec = value.get("spec")
    versions = spec.get("versions") if type(spec) is dict else None
    return type(versions) is dict and any(type(key) is int for key in versions)


def _holds_versions(value: Any) -> bool:
    """Like `_holds_json`, but the dict itself may have integers for keys."""
    if type(value) is not dict:
        return _holds_json(value, 2)
    return all(type(key) in (str, int) for key in value) and all(_holds_json(v, 3) for v in value.values())


def _holds_json(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return True
    if kind is float:
        return bool(isfinite(value))
    if depth >= DEPTH_LIMIT:
        return False
    if kind is list:
        return all(_holds_json(item, depth + 1) for item in value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not _holds_json(item, depth + 1):
                return False
        return True
    return False
