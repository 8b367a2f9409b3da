"""Comments in a document's text: which there are, and which column each belongs in.

A comment on a line of its own stands at the column of what it is about: what follows it,
unless it is indented deeper than that, then what comes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from specr.spec.fault import Place
from specr.spec.headers import opening_end
from specr.spec.nodes import Node, parse_nodes, scalars_of

_COMMENT: Final = re.compile(r"(?:^|(?<=[ \t]))#.*$")
_LEVEL: Final = 2


class _Entry(NamedTuple):
    """A key, or a dash with its item: its line, its column, and the column it is to have."""

    line: int
    column: int
    canonical: int


def comment_places(text: str, root: Node | None = None) -> list[tuple[Place, str]]:
    """The comments of a document's text, without blanks at their ends, and where they begin."""
    return [
        ((number, match.start()), match[0].rstrip())
        for number, line in enumerate(_without_scalars(text, root).split("\n"))
        for match in _COMMENT.finditer(line)
    ]


def settle_comments(text: str) -> str:
    """The text with each comment on a line of its own at the column that formatting gives its level."""
    root = parse_nodes(text)
    covered = _without_scalars(text, root).split("\n")
    entries = sorted(set(_entries(root, 0)))
    lines = text.split("\n")
    for number, line in enumerate(covered):
        stripped = line.lstrip(" ")
        if stripped.startswith("#"):
            column = _column_for(number, len(line) - len(stripped), entries)
            lines[number] = " " * column + lines[number].lstrip(" ")
    return "\n".join(lines)


def _column_for(number: int, column: int, entries: list[_Entry]) -> int:
    following = next((entry for entry in entries if entry.line > number), None)
    if following is not None and column <= following.column:
        return following.canonical
    level: _Entry | None = None
    for entry in reversed([entry for entry in entries if entry.line < number]):
        if level is None or (entry.column < level.column and column < level.column):
            level = entry
        elif entry.column == level.column <= column:  # a list that is not indented below its key
            level = min(level, entry, key=lambda e: e.canonical)
        elif entry.column < level.column <= column:
            break
    return level.canonical if level is not None else 0


def _entries(node: Node, canonical: int) -> Iterator[_Entry]:
    """The entries of block mappings and lists below a node whose own entries are to stand at a column."""
    if node.flow:
        return
    for key, value in node.pairs or ():
        yield _Entry(key.start[0], key.start[1], canonical)
        yield from _entries(value, canonical + _LEVEL)
    for item in node.items or ():
        if not item.flow and (item.pairs or item.items):
            yield from _entries(item, canonical + _LEVEL)
        yield _Entry(item.start[0], item.start[1] - _LEVEL, canonical)


def _without_scalars(text: str, root: Node | None = None) -> str:
    """The text with every character of its scalars' values replaced: structure and comments are left."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    characters = list(text)
    for node in scalars_of(root or parse_nodes(text)):
        first = opening_end(text, starts[node.start[0]] + node.start[1])
        last = min(starts[node.end[0]] + node.end[1], len(text))
        for place in range(first, last):
            if characters[place] != "\n":
                characters[place] = "x"
    return "".join(characters)
