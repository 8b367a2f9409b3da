"""Values as short, safe text on one line.

Whatever specs, providers or models put into a value, the text holds no control
character and no invisible one: a terminal shows it and does nothing else.
"""

from __future__ import annotations

import re
from typing import Any, Final

from specr.canonical import Json, encode_json
from specr.plan.unknown import is_placeholder

UNKNOWN: Final = "(known after apply)"
"""How a value that only apply can tell is shown."""

_DIGEST: Final = r"sha256:[0-9a-f]{64}"
_DIGEST_SHOWN: Final = len("sha256:") + 12
_PLAIN_KEY: Final = r"[A-Za-z0-9_][A-Za-z0-9_./-]*"
_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_CONTEXT: Final = 12
"""Characters kept before the place where two long texts begin to differ."""


def neutral(text: str) -> str:
    """The text with every character that is not plainly visible written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def encodable(text: str) -> str:
    """The text without lone surrogates, which names of files may hold and JSON can't."""
    return text.encode("utf-8", "backslashreplace").decode()


def _escape(character: str) -> str:
    code = ord(character)
    return _ESCAPES.get(character) or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def shortened(text: str, width: int) -> str:
    """The text, or its beginning and an ellipsis, in so many characters (at least one)."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def key_text(step: str | int) -> str:
    """A key or position of a path: `replicas`, `"odd key"`, `[3]`."""
    if isinstance(step, int):
        return f"[{step}]"
    return step if re.fullmatch(_PLAIN_KEY, step) else _quoted(step)


def path_text(path: tuple[str | int, ...] | list[str | int]) -> str:
    """A path on one line: `runtime.env.LEVEL`, `versions[2]`."""
    parts = (key_text(step) if isinstance(step, int) else f".{key_text(step)}" for step in path)
    return "".join(parts).removeprefix(".")


def value_text(value: Json, width: int) -> str:
    """A value on one line, in about so many characters."""
    return _fitted(_inline(value), width)


def pair_text(prior: Json, planned: Json, width: int) -> str:
    """`prior -> planned` on one line; where both are cut, what differs stays in view."""
    room = max((width - len(" -> ")) // 2, 8)
    old, new = _inline(prior), _inline(planned)
    if len(old) + len(new) > 2 * room:
        old, new = _cut_alike(old, new, room)
    elif old == new:
        old, new = encode_json(prior).decode(), encode_json(planned).decode()
    return f"{neutral(old)} -> {neutral(new)}"


def is_scalar(value: Json) -> bool:
    """Whether a value is shown as one word rather than as a block."""
    return not isinstance(value, dict | list) or is_placeholder(value) or is_secret(value) or not value


def is_secret(value: Json) -> bool:
    """Whether a value is a reference to a secret."""
    return isinstance(value, dict) and value.keys() == {"valueFrom"} and isinstance(value["valueFrom"], dict)


def is_column(value: Json) -> bool:
    """Whether a value is a column of a model schema."""
    return (
        isinstance(value, dict)
        and value.keys() == {"name", "type"}
        and all(isinstance(part, str) for part in value.values())
    )


def _inline(value: Json) -> str:
    if is_placeholder(value):
        return UNKNOWN
    if is_secret(value):
        return _secret_text(value["valueFrom"])
    if is_column(value):
        return f"{key_text(value['name'])}: {neutral(value['type'])}"
    if isinstance(value, str):
        return value[:_DIGEST_SHOWN] if re.fullmatch(_DIGEST, value) else _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key_text(key)}: {_inline(item)}' for key, item in sorted(value.items()))}}}"
    return encode_json(value).decode()


def _secret_text(source: dict[str, Any]) -> str:
    told = ", ".join(f"{neutral(str(kind))} {_inline(place)}" for kind, place in sorted(source.items()))
    return f"(secret from {told or 'nowhere'})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{neutral(escaped)}"'


def _fitted(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    closing = {'"': '"', "[": "]", "{": "}"}.get(text[:1], "")
    return f"{shortened(text, max(width - len(closing), 1))}{closing}"


def _cut_alike(old: str, new: str, room: int) -> tuple[str, str]:
    same = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    start = max(same - _CONTEXT, 0) if same >= room - 1 else 0
    lead = "…" if start else ""
    return _fitted(lead + old[start:], room), _fitted(lead + new[start:], room)
