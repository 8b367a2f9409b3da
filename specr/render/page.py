"""Markdown that text from specs can't get out of, on pages that never exceed their limit."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

from specr.render.blocks import Line
from specr.render.text import neutral, shortened
from specr.render.words import counted, listed

DEFAULT_LIMIT: Final = 60_000
"""Characters, below the 65,536 that GitHub takes."""

LEAST_LIMIT: Final = 4_000
"""The smallest limit in which what must be said fits."""

_RESERVE: Final = 300
"""Characters kept free for the line that says what is left out."""

_NAME_LIMIT: Final = 140
_DIFF_SYMBOLS: Final = {"~": "!", "-/+": "!", ".": " ", "": " "}


class Page:
    """Text that grows up to a limit, and counts what found no room.

    Raises:
        ValueError: the limit is below LEAST_LIMIT.
    """

    def __init__(self, limit: int) -> None:
        if limit < LEAST_LIMIT:
            raise ValueError(f"the limit is {limit} characters; {LEAST_LIMIT} is the least")
        self._parts: list[str] = []
        self._left = limit - _RESERVE
        self._missing: dict[str, int] = {}

    def add(self, text: str) -> bool:
        """Add a piece of text if there is room for all of it."""
        if len(text) > self._left:
            return False
        self._parts.append(text)
        self._left -= len(text)
        return True

    def add_all(self, noun: str, pieces: Iterable[str], *, share: float = 1.0) -> None:
        """Add pieces in order while they fit into a share of the room that is left; count the rest."""
        floor = self._left - int(self._left * share)
        full, missing = False, 0
        for piece in pieces:
            full = full or self._left - len(piece) < floor or not self.add(piece)
            missing += full
        self.miss(noun, missing)

    def miss(self, noun: str, count: int = 1) -> None:
        """Count something that found no room."""
        if count:
            self._missing[noun] = self._missing.get(noun, 0) + count

    def text(self, command: str) -> str:
        """The whole page; its last line says what is left out, and which command shows it."""
        if self._missing:
            told = listed(counted(n, f"more {noun}") for noun, n in self._missing.items())
            self._parts.append(f"\n_{told} not shown here: run `{command}` to see everything._\n")
        return "".join(self._parts)


def code(text: str) -> str:
    """A code span that holds exactly this text, on one line."""
    text = neutral(text) or " "
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def name(text: str) -> str:
    """A code span for a name, cut where it is absurdly long."""
    return code(shortened(text, _NAME_LIMIT))


def cell(text: str) -> str:
    """A code span for a table, where a bar would end the cell even inside the span."""
    return name(text.replace("|", "¦"))


def fenced(lines: Iterable[str]) -> str:
    """A fence that holds exactly these lines, coloured as a difference."""
    body = "\n".join(map(neutral, lines))
    longest = max(map(len, re.findall(r"`+", body)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}diff\n{body}\n{fence}"


def details(summary: str, lines: Iterable[str]) -> str:
    """A block that opens on a click, with lines inside."""
    heading = html.escape(neutral(shortened(summary, 300)))
    return f"<details>\n<summary><code>{heading}</code></summary>\n\n{fenced(lines)}\n\n</details>\n\n"


def indented(text: str) -> str:
    """The same Markdown inside a list's item."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def diff_lines(lines: list[Line], limit: int = 200) -> list[str]:
    """Lines of a block as a difference that GitHub colours, so many at most."""
    shown = [
        f"{_DIFF_SYMBOLS.get(line.symbol, line.symbol)} {'    ' * line.depth}{line.text}"
        for line in lines[:limit]
    ]
    if len(lines) > limit:
        shown.append(f"# {counted(len(lines) - limit, 'more line')}")
    return shown
