"""YAML text to nodes with places, by the slow and exact parser.

Used where a place is asked for, and for the few texts that the fast reader might
read otherwise. Everything the language of specs leaves out of YAML is refused
here: tags, merge keys, keys that are neither text nor integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from specr.spec import refusals
from specr.spec.fault import SYNTAX, Fault, Place
from specr.spec.refusals import check_scalar
from specr.spec.scalars import Scalar, resolve_plain
from specr.spec.syntax import explain_syntax


class Node(Struct, eq=False):
    """A value and where it is written."""

    start: Place
    end: Place
    scalar: Scalar = None
    pairs: list[tuple[Node, Node]] | None = None
    items: list[Node] | None = None
    flow: bool = False
    size: int = 1
    """Values in it, itself included, with aliases counted as what they stand for."""
    height: int = 0
    """Levels of mappings and lists, itself included."""
    anchored: str | None = None
    integer: Node | None = None
    """A key of its own that is an integer."""


class _Builder(Struct):
    """Puts nodes together from parser events, with a stack of its own."""

    open: list[Node] = field(default_factory=list)
    keys: list[Node | None] = field(default_factory=list)
    seen: list[dict[tuple[type, Scalar], Node]] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    aliased: int = 0
    root: Node | None = None

    def take(self, event: Event) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, NodeEvent) and tag is not None:
            raise refusals.tag(str(tag), _start(event))
        if isinstance(event, ScalarEvent):
            self.add(Node(_start(event), _end(event), _scalar(event)), event)
        elif isinstance(event, AliasEvent):
            self.add(self.alias(event), event)
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self.begin(event)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self.finish(_end(event))

    def begin(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self.open) >= refusals.DEPTH_LIMIT:
            raise refusals.too_deep(_start(event))
        node = Node(_start(event), _end(event), flow=bool(event.flow_style), height=1)
        if isinstance(event, MappingStartEvent):
            node.pairs = []
        else:
            node.items = []
        if event.anchor is not None:
            self.anchors[event.anchor] = None
            node.anchored = event.anchor
        if self.open and self.open[-1].pairs is not None and self.keys[-1] is None:
            raise refusals.bad_key(node.start, _width(node))
        self.open.append(node)
        self.keys.append(None)
        self.seen.append({})

    def finish(self, end: Place) -> None:
        node = self.open.pop()
        self.keys.pop()
        self.seen.pop()
        node.end = end
        if node.anchored is not None:
            self.anchors[node.anchored] = node
        self.attach(node)

    def add(self, node: Node, event: Event) -> None:
        if isinstance(event, ScalarEvent) and event.anchor is not None:
            self.anchors[event.anchor] = node
        if self.open and self.open[-1].pairs is not None and self.keys[-1] is None:
            self.add_key(node, event)
        else:
            check_scalar(node.scalar, node.start, _width(node))
            self.attach(node)

    def add_key(self, node: Node, event: Event) -> None:
        key = node.scalar
        if (
            node.pairs is not None
            or node.items is not None
            or isinstance(key, bool)
            or not isinstance(key, (str, int))
        ):
            raise refusals.bad_key(node.start, _width(node))
        check_scalar(node.scalar, node.start, _width(node))
        if key == "<<" and getattr(event, "style", None) is None and isinstance(event, ScalarEvent):
            raise refusals.merge_key(node.start)
        first = self.seen[-1].setdefault((type(key), key), node)
        if first is not node:
            raise refusals.duplicate_key(key, _start(event), _width(node), first.start)
        self.keys[-1] = node
        if isinstance(key, int):
            self.open[-1].integer = node

    def attach(self, node: Node) -> None:
        if node.integer is not None and [key.scalar for key in self.keys if key] != ["spec", "versions"]:
            raise refusals.bad_key(node.integer.start, _width(node.integer))
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        key = self.keys[-1]
        if parent.pairs is not None:
            assert key is not None
            parent.pairs.append((key, node))
            self.keys[-1] = None
        else:
            assert parent.items is not None
            parent.items.append(node)

    def alias(self, event: AliasEvent) -> Node:
        name = event.anchor
        node = self.anchors.get(name)
        if node is None:
            raise refusals.unknown_alias(name, _start(event), unfinished=name in self.anchors)
        if len(self.open) + node.height > refusals.DEPTH_LIMIT:
            raise refusals.too_deep(_start(event))
        self.aliased += node.size
        if self.aliased > refusals.ALIASED_LIMIT:
            raise refusals.too_many_aliased(name, _start(event))
        return node


def parse_nodes(text: str) -> Node:
    """The one document in a text.

    Raises:
        Fault: the text is not YAML, or holds what specs leave out of it.
    """
    builder = _Builder()
    for event in _events(text):
        builder.take(event)
    return builder.root or Node((0, 0), (0, 0))


def scalars_of(root: Node) -> Iterator[Node]:
    """The scalars in a value, keys included, each once however many aliases stand for it."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.items or ()
        waiting += [part for pair in node.pairs or () for part in pair]
        if node.items is None and node.pairs is None:
            yield node


def value_of(root: Node) -> Any:
    """What nodes mean: text, numbers, booleans, None, lists and dicts.

    What an anchor names and what its aliases stand for is one and the same object.
    """
    values: dict[int, Any] = {}

    def build(node: Node) -> Any:
        if node.pairs is None and node.items is None:
            return node.scalar
        known = values.get(id(node))
        if known is None:
            if node.pairs is not None:
                known = {key.scalar: build(value) for key, value in node.pairs}
            else:
                known = [build(item) for item in node.items or ()]
            values[id(node)] = known
        return known

    return build(root)


def _events(text: str) -> Iterator[Event]:
    parser = YAML(typ="safe", pure=True)
    try:
        yield from parser.parse(text)
    except MarkedYAMLError as error:
        raise explain_syntax(error) from None
    except YAMLError as error:
        raise Fault(SYNTAX, "This text can't be read as YAML.", (0, 0)) from error
    except (ValueError, OverflowError):
        mark = parser.reader.get_mark()
        raise Fault(
            SYNTAX,
            "An escape in double quotes names no character.",
            (mark.line, mark.column),
            remedy="Use single quotes for text with backslashes.",
        ) from None


def _scalar(event: ScalarEvent) -> Scalar:
    text = str(event.value)
    return resolve_plain(text) if event.implicit[0] else text


def _start(event: Event) -> Place:
    return event.start_mark.line, event.start_mark.column


def _end(event: Event) -> Place:
    return event.end_mark.line, event.end_mark.column


def _width(node: Node) -> int:
    return max(1, node.end[1] - node.start[1]) if node.end[0] == node.start[0] else 1
