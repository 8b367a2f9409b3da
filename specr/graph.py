"""Dependencies: order, ancestors, descendants, and cycles told as a path.

Pure and iterative: a chain of 100,000 nodes is no deeper for it than any other
graph. Every answer depends on the graph alone, never on the order of its keys.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from specr.address import Address

Graph = Mapping[Address, tuple[Address, ...]]
"""Each node and what it needs. What is needed but is no key needs nothing itself."""


def order(graph: Graph) -> tuple[Address, ...]:
    """All nodes, each after what it needs; of those that could come next, the smallest first.

    Raises:
        ValueError: the graph has a cycle; the message tells it.
    """
    waiting_for = {node: len(set(needs)) for node, needs in _closed(graph).items()}
    needed_by = dependents(graph)
    ready = [node for node, count in waiting_for.items() if count == 0]
    heapq.heapify(ready)
    done: list[Address] = []
    while ready:
        node = heapq.heappop(ready)
        done.append(node)
        for dependent in needed_by[node]:
            waiting_for[dependent] -= 1
            if waiting_for[dependent] == 0:
                heapq.heappush(ready, dependent)
    if len(done) < len(waiting_for):
        cycle = find_cycles(graph)[0]
        raise ValueError("cycle: " + " -> ".join(map(str, (*cycle, cycle[0]))))
    return tuple(done)


def dependents(graph: Graph) -> Graph:
    """The graph turned round: each node and what needs it, sorted."""
    found: dict[Address, set[Address]] = {node: set() for node in _closed(graph)}
    for node, needs in graph.items():
        for need in needs:
            found[need].add(node)
    return {node: tuple(sorted(found[node])) for node in sorted(found)}


def ancestors(graph: Graph, roots: Iterable[Address]) -> frozenset[Address]:
    """All that the roots need, directly or not; a root only if another, or itself, needs it."""
    return _reach(graph, roots)


def descendants(graph: Graph, roots: Iterable[Address]) -> frozenset[Address]:
    """All that needs one of the roots, directly or not; a root only if it needs another, or itself."""
    return _reach(dependents(graph), roots)


def find_cycles(graph: Graph) -> tuple[tuple[Address, ...], ...]:
    """One cycle for each knot of nodes that need each other, sorted.

    A cycle starts at the smallest address of its knot, each node needs the next, and the last
    needs the first. Among the cycles through that address it is one of the shortest.
    """
    cycles = []
    for knot in _knots(graph):
        start = min(knot)
        if len(knot) > 1 or start in graph.get(start, ()):
            cycles.append(_shortest_cycle(graph, start, knot))
    return tuple(sorted(cycles))


def _closed(graph: Graph) -> dict[Address, tuple[Address, ...]]:
    """The graph with every needed node as a key."""
    closed = dict(graph)
    for needs in graph.values():
        for need in needs:
            closed.setdefault(need, ())
    return closed


def _reach(graph: Graph, roots: Iterable[Address]) -> frozenset[Address]:
    found: set[Address] = set()
    waiting = list(roots)
    while waiting:
        for need in graph.get(waiting.pop(), ()):
            if need not in found:
                found.add(need)
                waiting.append(need)
    return frozenset(found)


def _shortest_cycle(graph: Graph, start: Address, knot: frozenset[Address]) -> tuple[Address, ...]:
    """Breadth first from start, neighbours in order of address, until an edge leads back."""
    came_from: dict[Address, Address] = {}
    level = [start]
    while level:
        following = []
        for node in level:
            for need in sorted(set(graph.get(node, ())) & knot):
                if need == start:
                    return _path_back(came_from, start, node)
                if need not in came_from:
                    came_from[need] = node
                    following.append(need)
        level = following
    raise AssertionError("nodes of one knot reach each other")


def _path_back(came_from: Mapping[Address, Address], start: Address, end: Address) -> tuple[Address, ...]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def _knots(graph: Graph) -> list[frozenset[Address]]:
    """Strongly connected components, by Tarjan's algorithm with its own stack of calls."""
    index: dict[Address, int] = {}
    lowest: dict[Address, int] = {}
    path: list[Address] = []
    on_path: set[Address] = set()
    knots: list[frozenset[Address]] = []
    for root in graph:
        if root in index:
            continue
        index[root] = lowest[root] = len(index)
        path.append(root)
        on_path.add(root)
        calls = [(root, iter(graph.get(root, ())))]
        while calls:
            node, needs = calls[-1]
            need = next(needs, None)
            if need is None:
                calls.pop()
                if calls:
                    caller = calls[-1][0]
                    lowest[caller] = min(lowest[caller], lowest[node])
                if lowest[node] == index[node]:
                    knots.append(_take_knot(path, on_path, node))
            elif need not in index:
                index[need] = lowest[need] = len(index)
                path.append(need)
                on_path.add(need)
                calls.append((need, iter(graph.get(need, ()))))
            elif need in on_path:
                lowest[node] = min(lowest[node], index[need])
    return knots


def _take_knot(path: list[Address], on_path: set[Address], node: Address) -> frozenset[Address]:
    """Take the nodes from `node` to the end off the path."""
    position = len(path) - 1
    while path[position] != node:
        position -= 1
    knot = frozenset(path[position:])
    del path[position:]
    on_path -= knot
    return knot
