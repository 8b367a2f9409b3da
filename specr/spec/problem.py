"""What is wrong inside one document, before it is known which document that is."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from specr.diagnostics import Path

_LONGEST = 60


class Problem(Struct, frozen=True):
    """One thing that is wrong, and the path to it from the document's root."""

    path: Path
    summary: str
    detail: str
    remedy: str = ""
    at_key: bool = False
    """Whether the key at the end of the path is to blame, not its value."""


def type_in_words(value: Any) -> str:
    """The type of a value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, (list, tuple)) else "a mapping"


def quoted(value: Any) -> str:
    """A value in quotes as messages tell it: on one line, and cut where it is long."""
    return repr(_cut(value if isinstance(value, str) else str(value)))


def shown_path_in(path: Path) -> str:
    """A path inside a document as people write it, long keys cut: `spec.schema.input[2].type`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{_cut(step)}" if text else _cut(step)
    return text


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
