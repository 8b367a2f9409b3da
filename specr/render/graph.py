"""What depends on what, as Graphviz dot or as Mermaid, with what a plan does to it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Final

from specr.address import Address
from specr.graph import Graph, ancestors
from specr.plan.model import Action

_NO_ACTIONS: Final[Mapping[Address, Action]] = {}

_REDUCIBLE: Final = 2_000
"""Nodes of the largest graph that is reduced; nobody can look at a larger one anyway."""

_SHAPES: Final = {
    "experiment": ("ellipse", "#e8f0fe"),
    "artifact": ("folder", "#fef7e0"),
    "artifacttype": ("note", "#f1f3f4"),
    "modeltype": ("note", "#f1f3f4"),
    "processor": ("component", "#e6f4ea"),
    "runtime": ("component", "#e6f4ea"),
    "model": ("box", "#f3e8fd"),
    "build": ("cylinder", "#fef7e0"),
    "deployment": ("box3d", "#fce8e6"),
}
_OTHER: Final = ("box", "#ffffff")
_BORDERS: Final = {
    Action.CREATE: "#188038",
    Action.UPDATE: "#e37400",
    Action.REPLACE: "#d93025",
    Action.DELETE: "#d93025",
    Action.FORGET: "#80868b",
}
_MERMAID_SHAPES: Final = {
    "experiment": ("([", "])"),
    "artifact": ("[/", "/]"),
    "build": ("[(", ")]"),
    "deployment": ("{{", "}}"),
}


def render_dot(graph: Graph, actions: Mapping[Address, Action] = _NO_ACTIONS) -> str:
    """The graph for `dot -Tsvg`: an arrow leads from what needs to what is needed."""
    lines = ["digraph specr {", "  rankdir = LR;", '  node [style=filled, fontname="sans-serif"];']
    for address in _nodes(graph):
        shape, fill = _SHAPES.get(address.kind, _OTHER)
        action = actions.get(address, Action.NOOP)
        border = f', color="{_BORDERS[action]}", penwidth=3' if action in _BORDERS else ""
        label = _dot_quoted(f"{_mark(action)}{address}")
        lines.append(
            f'  {_dot_quoted(str(address))} [label={label}, shape={shape}, fillcolor="{fill}"{border}];'
        )
    for address, needs in sorted(graph.items()):
        lines += [
            f"  {_dot_quoted(str(address))} -> {_dot_quoted(str(need))};" for need in sorted(set(needs))
        ]
    return "\n".join([*lines, "}"]) + "\n"


def render_mermaid(graph: Graph, actions: Mapping[Address, Action] = _NO_ACTIONS) -> str:
    """The graph for Markdown that draws Mermaid; put it into a ```mermaid fence."""
    nodes = _nodes(graph)
    ids = {address: f"n{number}" for number, address in enumerate(nodes)}
    lines = ["flowchart LR"]
    for address in nodes:
        action = actions.get(address, Action.NOOP)
        left, right = _MERMAID_SHAPES.get(address.kind, ("[", "]"))
        label = html.escape(f"{_mark(action)}{address}").replace("#", "&#35;").replace("[", "&#91;")
        style = f":::{action.value}" if action in _BORDERS else f":::{_class_of(address)}"
        lines.append(f'  {ids[address]}{left}"{label}"{right}{style}')
    for address, needs in sorted(graph.items()):
        lines += [f"  {ids[address]} --> {ids[need]}" for need in sorted(set(needs))]
    lines += [f"  classDef {kind} fill:{fill},color:#202124" for kind, (_, fill) in _SHAPES.items()]
    lines.append(f"  classDef other fill:{_OTHER[1]},color:#202124")
    lines += [
        f"  classDef {action.value} fill:#ffffff,color:#202124,stroke:{colour},stroke-width:3px"
        for action, colour in _BORDERS.items()
    ]
    return "\n".join(lines) + "\n"


def reduced(graph: Graph) -> Graph:
    """The graph without arrows that only repeat what a longer way says; large ones stay as they are."""
    if len(graph) > _REDUCIBLE:
        return graph
    return {
        address: tuple(sorted(set(needs) - ancestors(graph, set(needs))))
        for address, needs in sorted(graph.items())
    }


def _nodes(graph: Graph) -> list[Address]:
    """Every node, those included that are only needed."""
    return sorted({*graph, *(need for needs in graph.values() for need in needs)})


def _mark(action: Action) -> str:
    return f"{action.symbol} " if action in _BORDERS else ""


def _class_of(address: Address) -> str:
    return address.kind if address.kind in _SHAPES else "other"


def _dot_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
