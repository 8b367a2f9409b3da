"""Masking: secret values never reach a log.

Stdlib only, and light: the process that watches a local runtime loads it too.
"""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
"""What stands in a secret's place."""

_SHORTEST_LINE: Final = 6
"""Shorter lines of a secret of several lines are left alone: braces of JSON, say, tell nothing."""

_SHORTEST_CODED: Final = 3
"""Bytes of a secret below which its form in base 64 is too common a text to be hidden."""

_PERCENT: Final = re.compile("%[0-9A-F]{2}")

_LONGEST_LINE: Final = 1 << 16
"""Bytes of output without a line's end that are held back at most."""


class Mask:
    """Replaces secret values, wherever in a text they occur.

    A value of several lines is masked line by line too, since that is how logs come. So are
    the forms in which programs print values: see `forms`.
    """

    def __init__(self, values: Iterable[str]) -> None:
        parts = (part for value in values for part in _parts(value))
        hidden = {form for part in parts for form in forms(part)}
        # The longest first, so that a secret that holds another goes as a whole.
        ordered = sorted(hidden, key=lambda part: (-len(part), part))
        self.longest = len(ordered[0]) if ordered else 0
        self.pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def in_bytes(self, data: bytes) -> bytes:
        """The data with each secret masked."""
        return self.pattern.sub(MASK.encode(), data) if self.pattern else data

    def in_text(self, text: str) -> str:
        """The text with each secret masked."""
        if self.pattern is None:
            return text
        return self.in_bytes(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")


class MaskedStream:
    """Masks output that comes in pieces, also where a secret is cut in two by them.

    Lines are let through when they are whole; one that does not end is let through late.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """Take a piece, and return what may be shown now."""
        self._held += piece
        end = max(self._held.rfind(b"\n"), self._held.rfind(b"\r")) + 1
        if end:
            whole, self._held = self._held[:end], self._held[end:]
            return self._mask.in_bytes(whole)
        return self._overflow() if len(self._held) > _LONGEST_LINE + self._mask.longest else b""

    def finish(self) -> bytes:
        """What is left at the end."""
        rest, self._held = self._mask.in_bytes(self._held), b""
        return rest

    def _overflow(self) -> bytes:
        """All but the end of a line without end, where a secret may have begun."""
        limit = len(self._held) - self._mask.longest
        for match in self._mask.pattern.finditer(self._held) if self._mask.pattern else ():
            if match.start() < limit < match.end():
                limit = match.end()
        shown, self._held = self._held[:limit], self._held[limit:]
        return self._mask.in_bytes(shown)


def forms(value: str) -> Iterator[bytes]:
    """A text, not empty, as programs print it: plain, escaped for JSON, Python, URLs, shells, in base 64."""
    data = value.encode(errors="surrogateescape")
    yield data
    inside = (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value), ascii(value))
    escaped = [text[1:-1] for text in inside]
    escaped.append(repr(f'"{value}')[2:-1])  # where the other kind of quotes must be used
    escaped += [text.replace("/", "\\/") for text in escaped[:2]]  # as some writers of JSON do
    escaped += [repr(data)[2:-1], shlex.quote(value)]
    quoted = (quote(data), quote(data, safe=""), quote_plus(data))
    for text in (*escaped, *quoted, *(_PERCENT.sub(lambda m: m[0].lower(), text) for text in quoted)):
        yield text.encode(errors="surrogateescape")
    if len(data) >= _SHORTEST_CODED:
        # Without padding, which a longer form has in its place.
        yield b64encode(data).rstrip(b"=")
        yield urlsafe_b64encode(data).rstrip(b"=")


def _parts(value: str) -> Iterable[str]:
    if not value:
        return
    yield value
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
