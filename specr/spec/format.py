"""The canonical form of a file of specs, for `specr fmt`.

Two spaces a level, lists indented below their key, apiVersion, kind, metadata and spec in that
order, comments kept. A text whose meaning or comments would change is refused, never damaged;
so each result is read again and compared.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from itertools import zip_longest
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import BaseResolver

from specr.diagnostics import Diagnostic
from specr.spec.comments import comment_places, settle_comments
from specr.spec.document import Document, diagnose
from specr.spec.fault import Fault, Place
from specr.spec.flows import put_aside, put_back
from specr.spec.headers import put_comments, take_comments
from specr.spec.nodes import Node, parse_nodes, scalars_of, value_of
from specr.spec.split import Chunk, decode_text, legible, split_all

_ORDER: Final = ("apiVersion", "kind", "metadata", "spec")
_ROUNDS: Final = 5
"""Times that a text is formatted until it stays the same."""


def format_file(data: bytes, file: str = "") -> str | tuple[Diagnostic, ...]:
    """The canonical form of a file's bytes, or why there is none. See `format_text`."""
    try:
        text = decode_text(data)
    except Fault as fault:
        return (diagnose(fault, Document(file, 0, 0, legible(data))),)
    return format_text(text, file)


def format_text(text: str, file: str = "") -> str | tuple[Diagnostic, ...]:
    """The canonical form of a text of YAML documents, or why there is none.

    Formatting the result again changes nothing, and both have the same values and comments.
    """
    pieces: list[str] = []
    found: list[Diagnostic] = []
    try:
        chunks = list(split_all(text))
    except Fault as fault:
        return (diagnose(fault, Document(file, 0, 0, text)),)
    for chunk in chunks:
        try:
            pieces.append(_format_chunk(chunk))
        except Fault as fault:
            found.append(diagnose(fault, Document(file, 0, chunk.line, chunk.text)))
    if found:
        return tuple(found)
    return "---\n".join(piece for piece in pieces if piece)


def _format_chunk(chunk: Chunk) -> str:
    text = chunk.body.strip("\n") + "\n"
    if chunk.empty:
        kept = [line.strip() for line in text.split("\n") if line.strip().startswith("#")]
        return "".join(f"{line}\n" for line in kept)
    before = parse_nodes(chunk.text)
    result = _format_once(text)
    if result == text == chunk.body.lstrip("\n"):
        return result  # it stays the same, and so do its values and comments: nothing to look at again
    for _ in range(_ROUNDS):
        again = _format_once(result)
        if again == result:
            break
        result = again
    else:
        raise _refusal("Its form would change each time.")
    if _types(value_of(before)) != _types(value_of(parse_nodes(result))):
        raise _refusal("Its meaning would change.", _first_change(before, parse_nodes(result)))
    _check_comments(chunk.text, before, result)
    return result


def _check_comments(text: str, root: Node, result: str) -> None:
    before = comment_places(text, root)
    lost = Counter(comment for _, comment in before)
    lost.subtract(comment for _, comment in comment_places(result))
    for place, comment in before:
        if lost[comment]:
            raise _refusal("This comment would be lost.", place)


def _format_once(text: str) -> str:
    bare, asides = put_aside(text)
    bare, comments = take_comments(bare)
    settled = settle_comments(bare)
    try:
        yaml = _round_trip()
        output = io.StringIO()
        yaml.dump(yaml.load(settled), output)
    except (YAMLError, ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError) as error:
        raise _refusal("The writer of YAML can't take it apart and put it together.") from error
    written = output.getvalue().removesuffix("\n...\n")  # it would part the lines before from the document
    try:
        lines = put_back(put_comments(written, comments), asides).strip("\n").split("\n")
        nodes = parse_nodes("\n".join(lines) + "\n")
    except Fault as fault:  # the writer's, with lines and columns that no file has
        raise _refusal("The writer of YAML makes something else of it.") from fault
    return "\n".join(_ordered(_trimmed(lines, nodes), nodes)) + "\n"


def _round_trip() -> YAML:
    """Reads plain scalars as the texts they are, so that they are written as they were."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**30
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.Resolver = _NoTypes
    yaml.composer.warn_double_anchors = False  # YAML lets a later anchor take the name of one before
    return yaml


class _NoTypes(BaseResolver):
    """Takes every plain scalar for text, but for those left empty."""

    def __init__(self, version: Any = None, loader: Any = None, loadumper: Any = None) -> None:  # noqa: ARG002
        super().__init__(loadumper if loadumper is not None else loader)

    @property
    def processing_version(self) -> tuple[int, int]:
        return (1, 2)


_NoTypes.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])


def _trimmed(lines: list[str], root: Node) -> list[str]:
    """The lines without blanks at their ends, but for those inside texts."""
    inside = {line for node in scalars_of(root) for line in range(node.start[0], node.end[0])}
    return [line if number in inside else line.rstrip(" \t") for number, line in enumerate(lines)]


def _ordered(lines: list[str], root: Node) -> list[str]:
    """The lines with the top-level keys in their order, each with the comments right above it."""
    if root.pairs is None or root.flow or not root.pairs:
        return lines
    starts = [key.start[0] for key, _ in root.pairs]
    for position in range(1, len(starts)):
        while lines[starts[position] - 1].startswith("#"):
            starts[position] -= 1
    end = len(lines)
    while end > starts[-1] and (not lines[end - 1] or lines[end - 1].startswith("#")):
        end -= 1
    names = [str(key.scalar) for key, _ in root.pairs]
    blocks = [lines[a:b] for a, b in zip(starts, [*starts[1:], end], strict=True)]
    rank = {name: position for position, name in enumerate(_ORDER)}
    order = sorted(range(len(names)), key=lambda place: (rank.get(names[place], len(rank)), place))
    return [*lines[: starts[0]], *(line for place in order for line in blocks[place]), *lines[end:]]


def _first_change(before: Node, after: Node) -> Place:
    """Where the value begins that is another one afterwards, or lacks a part."""
    pairs = {key.scalar: value for key, value in after.pairs or ()}
    places = [
        *((value, pairs.get(key.scalar)) for key, value in before.pairs or ()),
        *zip_longest(before.items or (), after.items or ()),
    ]
    for old, new in places:
        if old is not None and new is not None and _types(value_of(old)) != _types(value_of(new)):
            return _first_change(old, new)
    return before.start


def _types(value: Any) -> Any:
    """The value in a form that is equal only for the same types, too; the order of keys does not count."""
    if isinstance(value, dict):
        return {(type(key), key): _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return (type(value), value)


def _refusal(reason: str, place: Place = (0, 0)) -> Fault:
    return Fault(
        "Document can't be formatted",
        f"{reason} It was left as it is.",
        place,
        remedy="Write this document in a simpler way: comments on lines of their own, no tabs.",
    )
