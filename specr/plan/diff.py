"""What differs between two sets of arguments, told leaf by leaf.

Digests decide whether anything differs; this only explains what.
"""

from __future__ import annotations

from typing import Any

from specr.canonical import Json, JsonObject, digest_of, encode_json
from specr.diagnostics import Path
from specr.plan.model import Difference
from specr.plan.unknown import find_placeholders, is_placeholder


def diff_arguments(prior: JsonObject, planned: JsonObject) -> tuple[Difference, ...]:
    """Every leaf that differs, in the order of paths; empty exactly if the canonical JSON is the same."""
    if encode_json(prior) == encode_json(planned):
        return ()
    # Loading it costs more than a whole plan of a small project, and most plans find nothing to explain.
    from deepdiff import DeepDiff  # noqa: PLC0415

    tree: dict[str, Any] = DeepDiff(
        prior,
        planned,
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
        zip_ordered_iterables=True,  # else `1` and `true` are taken for one when positions are matched
    )
    found = [
        _difference(tuple(level.path(output_format="list")), _value(level.t1), _value(level.t2))
        for levels in tree.values()
        for level in levels
    ]
    return _placeholders_whole(tuple(sorted(found, key=lambda d: _sort_key(d.path))), planned)


def changed_keys(one: JsonObject, other: JsonObject) -> frozenset[str]:
    """The top-level arguments that differ."""
    return frozenset(
        key for key in one.keys() | other.keys() if digest_of(one.get(key)) != digest_of(other.get(key))
    )


def _value(value: Any) -> Json:
    """DeepDiff's mark for "not there" becomes None."""
    return None if type(value).__name__ == "NotPresent" else value


def _difference(path: Path, prior: Json, planned: Json) -> Difference:
    unknown = is_placeholder(planned)
    return Difference(path, prior, None if unknown else planned, unknown)


def _placeholders_whole(found: tuple[Difference, ...], planned: JsonObject) -> tuple[Difference, ...]:
    """Tell a value that is known after apply as one, not by the insides of its placeholder."""
    for place in find_placeholders(planned):
        inside = [d for d in found if d.path[: len(place)] == place]
        if inside and inside != [Difference(place, inside[0].prior, None, unknown=True)]:
            rest = tuple(d for d in found if d.path[: len(place)] != place)
            found = tuple(sorted((*rest, Difference(place, unknown=True)), key=lambda d: _sort_key(d.path)))
    return found


def _sort_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """List positions by number, keys by text."""
    return tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in path)
