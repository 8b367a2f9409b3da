"""Flow collections with comments inside, put aside while what is round them is formatted.

The writer of YAML loses comments between brackets. So collections that hold some stay as they
are written, and only move with the line that they begin on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from specr.spec.comments import comment_places
from specr.spec.fault import Place
from specr.spec.nodes import Node, parse_nodes


class Aside(NamedTuple):
    """What was put aside: the name that stands for it, its text, and how far its first line is indented."""

    name: str
    text: str
    indent: int


def put_aside(text: str) -> tuple[str, list[Aside]]:
    """The text with a name in the place of each collection that has comments inside, and what the names mean.

    A collection that is the whole document, or that other places may refer into, stays where it is.
    """
    if "#" not in text:
        return text, []
    root = parse_nodes(text)
    comments = [place for place, _ in comment_places(text, root)]
    stem = _unused(text)
    pieces, asides, done = list[str](), list[Aside](), 0
    for node in _flows(root):
        start, end = _offset(text, node.start), _offset(text, node.end)
        if not any(node.start < place < node.end for place in comments) or _has_anchor(text, node):
            continue
        aside = Aside(f"{stem}{len(asides)}x", text[start:end], _indent(text, start))
        pieces += [text[done:start], aside.name]
        asides.append(aside)
        done = end
    return "".join([*pieces, text[done:]]), asides


def put_back(text: str, asides: list[Aside]) -> str:
    """The text with what was put aside in its place, moved as the lines have moved on which it begins."""
    for aside in asides:
        start = text.index(aside.name)
        first, *others = aside.text.split("\n")
        moved = _moved(others, aside.indent, _indent(text, start))
        text = text[:start] + "\n".join([first, *moved]) + text[start + len(aside.name) :]
    return text


def _flows(node: Node) -> Iterator[Node]:
    """The outermost flow collections below a node, in the order of the text."""
    if node.flow:
        return
    for child in [value for _, value in node.pairs or ()] + (node.items or []):
        if child.flow:
            yield child
        else:
            yield from _flows(child)


def _has_anchor(text: str, flow: Node) -> bool:
    waiting = [flow]
    while waiting:
        node = waiting.pop()
        if not flow.start <= node.start < flow.end:
            continue  # what an alias stands for, elsewhere
        if text[_offset(text, node.start)] == "&":
            return True
        waiting += node.items or ()
        waiting += [part for pair in node.pairs or () for part in pair]
    return False


def _unused(text: str) -> str:
    """A word that the text does not hold."""
    stem = "aside"
    while stem in text:
        stem += "x"
    return stem


def _offset(text: str, place: Place) -> int:
    start = 0
    for _ in range(place[0]):
        start = text.index("\n", start) + 1
    return start + place[1]


def _indent(text: str, position: int) -> int:
    """How far the line is indented that a position lies in."""
    line = text[text.rfind("\n", 0, position) + 1 :]
    return len(line) - len(line.lstrip(" "))


def _moved(lines: list[str], before: int, now: int) -> list[str]:
    """The further lines of a collection, moved as far as its first one; all of them deeper than that one is.

    Only a bracket at the end may stand as deep as the first line, as many people write it.
    """
    told = [(len(line) - len(line.lstrip(" ")), line.lstrip(" ")) for line in lines]
    lacking = [now + (bare[0] not in "]}") - (depth + now - before) for depth, bare in told if bare]
    further = now - before + (max(lacking) + 1 if max(lacking, default=0) > 0 else 0)
    return [" " * (depth + further) + bare if bare else "" for depth, bare in told]
