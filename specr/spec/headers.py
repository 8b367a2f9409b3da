"""How scalars begin: anchors, and the headers of block scalars, which comments may stand behind.

The writer of YAML loses comments behind headers of list items. So those behind headers are taken
off while it works, and put back behind the same scalar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from specr.spec.nodes import parse_nodes, scalars_of

_OPENING: Final = re.compile(
    r"(?:&\S+(?:\s|(?<=\s)#.*)*+)?"  # an anchor, with comments between it and what it names
    r"(?:(?P<header>[|>][-+0-9]*)(?P<comment>[ \t]+#.*)?)?"
)
_COMMENTED: Final = re.compile(r"[|>][-+0-9]*[ \t]+#")


def opening_end(text: str, start: int) -> int:
    """Where the value itself begins of a scalar: behind its anchor, its header and their comments."""
    match = _OPENING.match(text, start)
    return match.end() if match else start


def take_comments(text: str) -> tuple[str, dict[int, str]]:
    """The text without comments behind headers, and these by the number of their scalar in the text."""
    if not _COMMENTED.search(text):
        return text, {}
    pieces, comments, done = list[str](), dict[int, str](), 0
    for number, match in enumerate(_openings(text)):
        if match["comment"]:
            comments[number] = match["comment"].rstrip()
            pieces.append(text[done : match.start("comment")])
            done = match.end("comment")
    return "".join([*pieces, text[done:]]), comments


def put_comments(text: str, comments: dict[int, str]) -> str:
    """The text with the comments behind the headers of their scalars, as far as these have one still."""
    if not comments:
        return text
    pieces, done = list[str](), 0
    for number, match in enumerate(_openings(text)):
        if number in comments and match["header"]:
            pieces += [text[done : match.end("header")], comments[number]]
            done = match.end("header")
    return "".join([*pieces, text[done:]])


def _openings(text: str) -> Iterator[re.Match[str]]:
    """How each scalar begins, in the order of the text."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for row, column in sorted(node.start for node in scalars_of(parse_nodes(text))):
        match = _OPENING.match(text, min(starts[row] + column, len(text)))
        if match:
            yield match
