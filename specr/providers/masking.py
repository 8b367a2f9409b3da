"""Masking: secret values never reach a log.

Stdlib only, and light: the process that watches a local runtime loads it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"
"""What stands in a secret's place."""

_SHORTEST_LINE: Final = 6
"""Shorter lines of a secret of several lines are left alone: braces of JSON, say, tell nothing."""


class Mask:
    """Replaces secret values, wherever in a text they occur.

    A value of several lines is masked line by line too, since that is how logs come.
    """

    def __init__(self, values: Iterable[str]) -> None:
        hidden = {part for value in values for part in _parts(value)}
        # The longest first, so that a secret that holds another goes as a whole.
        ordered = sorted(
            (part.encode(errors="surrogateescape") for part in hidden), key=lambda p: (-len(p), p)
        )
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def in_bytes(self, data: bytes) -> bytes:
        """The data with each secret masked."""
        return self._pattern.sub(MASK.encode(), data) if self._pattern else data

    def in_text(self, text: str) -> str:
        """The text with each secret masked."""
        if self._pattern is None:
            return text
        return self.in_bytes(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")


def _parts(value: str) -> Iterable[str]:
    if not value:
        return
    yield value
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
