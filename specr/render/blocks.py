"""A change as lines: symbol, depth and text. Shared by terminal and Markdown; no colour here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from specr.canonical import Json, JsonObject
from specr.plan.unknown import is_placeholder
from specr.render.text import UNKNOWN, is_scalar, key_text, pair_text, path_text, shortened, value_text
from specr.render.words import counted, interruption

CATALOGUE: Final = frozenset({"artifacttype", "modeltype", "processor", "runtime"})
"""Kinds whose records have no effect of their own: that they come or go is told by address alone."""

_FIRST: Final = (
    "experiment", "type", "source", "resolved", "artifact", "digest", "model", "alias", "version", "modelId",
    "build", "modelDigest", "provider", "replicas", "input", "output",
)  # fmt: skip
_RANK: Final = {key: position for position, key in enumerate(_FIRST)}
_SCHEMA: Final = frozenset({"input", "output"})
"""Keys that are shown side by side: if one is a block, so is the other."""

_ITEM_LIMIT: Final = 12
"""Items of a list that are shown of a change; of an object without symbols, all are."""

_INLINE_LIMIT: Final = 56
_NARROWEST: Final = 24

Step = str | int


class Line(Struct, frozen=True):
    """One line of a block. `symbol` is a change's, `!` for a warning, `#` for a note, or empty."""

    symbol: str
    depth: int
    text: str


class _Leaf(Struct, frozen=True):
    keys: tuple[Step, ...]
    symbol: str
    prior: Json = None
    planned: Json = None
    unknown: bool = False


class _Branch(Struct):
    leaves: list[_Leaf] = field(default_factory=list)
    branches: dict[Step, _Branch] = field(default_factory=dict)


def is_compact(change: JsonObject) -> bool:
    """Whether a change is told by its address alone."""
    kind = change["address"].partition("/")[0].rpartition(".")[2]
    return kind in CATALOGUE and change["action"] in {"create", "delete", "forget"}


def change_lines(change: JsonObject, width: int) -> list[Line]:
    """The fields of a change as lines, in about `width` characters each."""
    tree = _Branch()
    shown = set[Step]()
    for path, leaf in _leaves(change):
        branch = tree
        for step in path[:-1]:
            branch = branch.branches.setdefault(step, _Branch())
        branch.leaves.append(leaf)
        shown.update(path[:1])
    lines = list(_branch_lines(tree, 0, width))
    hidden = len((change["planned"] or {}).keys() - shown)
    if hidden:
        lines.append(Line("#", 0, f"{counted(hidden, 'unchanged field')} hidden"))
    if change["interrupts"]:
        lines.append(Line("!", 0, interruption(change)))
    return lines


def drift_lines(drift: JsonObject, width: int) -> list[Line]:
    """What differs from recorded state, as lines."""
    tree = _Branch()
    for difference in drift["differences"]:
        branch = tree
        for step in difference["path"][:-1]:
            branch = branch.branches.setdefault(step, _Branch())
        branch.leaves.append(_leaf_of(difference))
    return list(_branch_lines(tree, 0, width))


def object_lines(value: JsonObject) -> list[Line]:
    """A whole object as lines without symbols, however long; nothing is left out or cut."""
    branch = _Branch([_Leaf((key,), "", planned=item) for key, item in value.items()])
    return list(_branch_lines(branch, 0, sys.maxsize))


def _leaves(change: JsonObject) -> Iterator[tuple[Sequence[Step], _Leaf]]:
    prior, planned = change["prior"], change["planned"]
    if planned is None:
        yield from (((key,), _Leaf((key,), "-", prior=value)) for key, value in (prior or {}).items())
        return
    is_new = prior is None or change["action"] == "create"
    if is_new:
        yield from (((key,), _Leaf((key,), "+", planned=value)) for key, value in planned.items())
        symbol = "+"
    else:
        yield from ((d["path"], _leaf_of(d, prior, planned)) for d in change["differences"])
        symbol = "~"
    told = set[tuple[Step, ...]]() if is_new else {tuple(d["path"]) for d in change["differences"]}
    for path in change["unknown"]:
        if path and tuple(path) not in told and not _is_in(planned, path):
            yield path, _Leaf((path[-1],), symbol, unknown=True)


def _leaf_of(difference: JsonObject, before: Json = None, after: Json = None) -> _Leaf:
    """A difference as a leaf; the whole objects tell a null that comes from one that goes."""
    prior, planned, unknown = difference["prior"], difference["planned"], difference["unknown"]
    path = difference["path"]
    symbol = "~"
    comes = unknown or planned is not None or (_is_in(after, path) and not _is_in(before, path))
    if prior is None and comes:
        symbol = "+"
    elif planned is None and not unknown:
        symbol = "-"
    key = path[-1] if path else "everything"
    return _Leaf((key,), symbol, prior, planned, unknown=unknown)


def _is_in(value: Json, path: Sequence[Step]) -> bool:
    """Whether a value, or the placeholder of one around it, stands at a path."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
        if is_placeholder(value):
            return True
    return True


def _branch_lines(branch: _Branch, depth: int, width: int) -> Iterator[Line]:
    room = max(width - 4 * depth, _NARROWEST)
    branch = _with_lonely_leaves(branch)
    leaves = sorted(branch.leaves, key=lambda leaf: (_rank(leaf.keys[0]), path_text(leaf.keys)))
    spread = any(leaf.keys[-1] in _SCHEMA and not _is_single(leaf) for leaf in leaves)
    single, blocks = list[_Leaf](), list[_Leaf]()
    for leaf in leaves:
        fits = _is_single(leaf) and not (spread and leaf.keys[-1] in _SCHEMA and _is_listed(leaf))
        (single if fits else blocks).append(leaf)
    pad = min(max((len(path_text(leaf.keys)) for leaf in single), default=0), room // 3)
    for leaf in single:
        name = shortened(path_text(leaf.keys), room // 2)
        left = max(room - max(len(name), pad) - len(" = "), _NARROWEST // 2)
        yield Line(leaf.symbol, depth, f"{name.ljust(pad)} = {_leaf_text(leaf, left)}")
    for leaf in blocks:
        yield from _value_lines(leaf, depth, width)
    for step, inner in sorted(branch.branches.items(), key=lambda item: _rank(item[0])):
        name = shortened(key_text(step), room)
        yield from _framed("~", depth, name, _branch_lines(inner, depth + 1, width), "{}")


def _with_lonely_leaves(branch: _Branch) -> _Branch:
    """The same branch, where inner branches that lead to a single leaf have become that leaf."""
    found = _Branch(list(branch.leaves))
    for step, inner in branch.branches.items():
        keys: tuple[Step, ...] = (step,)
        end = inner
        while not end.leaves and len(end.branches) == 1:
            [(next_step, end)] = end.branches.items()
            keys = (*keys, next_step)
        if len(end.leaves) == 1 and not end.branches:
            [leaf] = end.leaves
            found.leaves.append(replace(leaf, keys=(*keys, *leaf.keys)))
        else:
            found.branches[step] = inner
    return found


def _rank(key: Step) -> tuple[int, int, str]:
    if isinstance(key, int):
        return (len(_RANK), key, "")
    return (_RANK.get(key, len(_RANK)), 0, key)


def _whole(leaf: _Leaf) -> Json:
    """The value of a leaf that comes or goes as a whole."""
    return leaf.prior if leaf.symbol == "-" else leaf.planned


def _is_single(leaf: _Leaf) -> bool:
    return leaf.unknown or leaf.symbol == "~" or _fits_inline(_whole(leaf))


def _is_listed(leaf: _Leaf) -> bool:
    """Whether a leaf is a list that comes or goes as a whole, so that it can be shown item by item."""
    return not leaf.unknown and leaf.symbol != "~" and isinstance(_whole(leaf), list)


def _fits_inline(value: Json) -> bool:
    if is_scalar(value):
        return True
    items = value.values() if isinstance(value, dict) else value
    flat = all(is_scalar(item) for item in items) or isinstance(value, list)
    return flat and len(value_text(value, _INLINE_LIMIT + 1)) <= _INLINE_LIMIT


def _leaf_text(leaf: _Leaf, width: int) -> str:
    if leaf.symbol != "~":
        return UNKNOWN if leaf.unknown else value_text(_whole(leaf), width)
    if leaf.unknown:
        if leaf.prior is None:
            return UNKNOWN
        return f"{value_text(leaf.prior, max(width - len(UNKNOWN) - 4, 8))} -> {UNKNOWN}"
    return pair_text(leaf.prior, leaf.planned, width)


def _value_lines(leaf: _Leaf, depth: int, width: int) -> Iterator[Line]:
    name = shortened(path_text(leaf.keys), max(width - 4 * depth, _NARROWEST))
    value, symbol = _whole(leaf), leaf.symbol
    if isinstance(value, Mapping):
        branch = _Branch([_Leaf((key,), symbol, item, item) for key, item in value.items()])
        yield from _framed(symbol, depth, name, _branch_lines(branch, depth + 1, width), "{}")
    else:
        yield from _framed(symbol, depth, f"{name} =", _item_lines(symbol, depth + 1, value, width), "[]")


def _item_lines(symbol: str, depth: int, items: list[Json], width: int) -> Iterator[Line]:
    room = max(width - 4 * depth, _NARROWEST)
    most = _ITEM_LIMIT if symbol else len(items)
    for item in items[:most]:
        yield Line(symbol, depth, value_text(item, room))
    if len(items) > most:
        yield Line("#", depth, f"{len(items) - most} more")


def _framed(symbol: str, depth: int, name: str, inner: Iterable[Line], frame: str) -> Iterator[Line]:
    yield Line(symbol, depth, f"{name} {frame[0]}")
    yield from inner
    yield Line("", depth, frame[1])
