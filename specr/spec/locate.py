"""Places: from a path inside a document to the line and column where it is written.

Loads the document again with the exact parser, which is slow; so it is asked only
for what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from specr.diagnostics import Diagnostic, Path, Span
from specr.spec.document import Document, Finding, excerpt_of
from specr.spec.fault import Fault, Place
from specr.spec.nodes import Node, parse_nodes

EXACT_LIMIT = 200
"""Documents that are parsed again for places; findings in further ones get their document's first line."""

_LONGEST_TEXT = 2 * 2**20
"""Characters. Longer documents take too long to parse again for a place."""


def locate_in(document: Document, diagnostic: Diagnostic) -> Diagnostic:
    """The same finding with the place of its path's deepest existing part.

    What is wrong with a resource as a whole, such as a runtime that ends, is told at its name; and so is
    what a `spec` lacks that is not written at all.
    """
    root, path = _nodes(document), diagnostic.path
    if not path or (path[0] == "spec" and root is not None and _step(root, "spec") is None):
        path = ("metadata", "name")
    return _locate(document, root, diagnostic, path)


def locate_findings(findings: Iterable[Finding]) -> list[Diagnostic]:
    """The diagnostics with their places, by file and line. Those that have one keep it."""
    by_document: dict[tuple[str, str, int], list[Finding]] = {}
    for finding in findings:
        document = finding.document
        by_document.setdefault((document.pack, document.file, document.index), []).append(finding)
    located = []
    for position, key in enumerate(sorted(by_document)):
        document = by_document[key][0].document
        root = _nodes(document) if position < EXACT_LIMIT else None
        found = [finding.diagnostic for finding in by_document[key]]
        located += [_locate(document, root, diagnostic, diagnostic.path) for diagnostic in found]
    return located


def _nodes(document: Document) -> Node | None:
    if len(document.text) > _LONGEST_TEXT:
        return None
    try:
        return parse_nodes(document.text)
    except Fault:  # the document's own fault is told where it was read; here its first line has to do
        return None


def _locate(document: Document, root: Node | None, diagnostic: Diagnostic, path: Path) -> Diagnostic:
    if diagnostic.span is not None:
        return diagnostic
    if root is None:
        start, width = (document.first_line, 0), 0
    else:
        start, width = _place(root, path, at_key=diagnostic.at_key)
    line, column = start
    excerpt = excerpt_of(document.text, line)
    span = Span(
        document.shown_file, document.line + line + 1, column + 1, width or max(1, len(excerpt) - column)
    )
    return diagnostic.with_location(span, excerpt)


def _place(root: Node, path: Path, *, at_key: bool) -> tuple[Place, int]:
    """Where to point, and how wide; width 0 means to the line's end."""
    key: Node | None = None
    node, depth = root, 0
    for step in path:
        following = _step(node, step)
        if following is None:
            break
        key, node = following
        depth += 1
    complete = depth == len(path)
    written = (
        node.pairs is None and node.items is None and node.end != node.start and node.end[0] == node.start[0]
    )
    flow = node.flow and node.end[0] == node.start[0]
    if key is not None and not (complete and not at_key and (written or flow)):
        return key.start, _width(key)
    return node.start, _width(node) if written or flow else 0


def _step(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if node.pairs is not None:
        for key, value in node.pairs:
            if key.scalar == step or str(key.scalar) == str(step):
                return key, value
    elif node.items is not None and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    return None


def _width(node: Node) -> int:
    return max(1, node.end[1] - node.start[1]) if node.end[0] == node.start[0] else 0
