"""Which of many differences tells why an object changes, and what is behind that. Pure."""

from __future__ import annotations

from itertools import takewhile
from typing import Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.diagnostics import Path
from specr.plan.desired import Desired, effect_of
from specr.plan.diff import changed_keys
from specr.plan.model import Cause, Difference, Effect, Reason
from specr.plan.observed import ProviderSchema
from specr.state.model import RecordedObject

VERIFIED: Final = frozenset({"schema", "verify"})
"""Deployment arguments that are promises about answers, not parts of what runs."""

_TELLING: Final = (
    "model",
    "version",
    "alias",
    "experiment",
    "resolved",
    "*",
    "runtime",
    "processor",
    "source",
    "modelDigest",
    "modelId",
    "schema",
    "build",
    "schemaFrom",
)
"""Arguments in the order in which they tell why something changes; `*` stands for all others."""

_OF_MODEL: Final = frozenset({"modelId", "modelDigest"})
_MEANT: Final = frozenset({"model", "version", "experiment"})
"""What says which model is meant, and thereby what those are."""

_OWN: Final = _TELLING.index("*")


def cause_of(desired: Desired, differences: tuple[Difference, ...], decisive: frozenset[str]) -> Cause:
    """The most telling difference: which model is meant comes before how it runs and what follows from it.

    `decisive` are the arguments without which the change would be carried out otherwise: one of them it is,
    if any differs. Where several of the object's own arguments are equally so, the cause names none of them.
    """
    telling = [d for d in differences if d.path[0] in decisive] or list(differences)
    rank = min(map(_rank, telling))
    best = [d for d in telling if _rank(d) == rank]
    upstream = _upstream(desired, best[0])
    if upstream is not None:
        path = _shared_path([d for d in best if _upstream(desired, d) == upstream])
        return Cause(Reason.UPSTREAM, path or best[0].path, upstream)
    return Cause(Reason.ARGUMENTS, _shared_path(best))


def decisive_arguments(
    desired: Desired, recorded: RecordedObject, effect: Effect, schema: ProviderSchema
) -> frozenset[str]:
    """The arguments that differ and make a change be carried out with that effect; all for records."""
    before, after = recorded.arguments, desired.arguments
    changed = changed_keys(before, after)
    match effect:
        case Effect.IN_PLACE:
            return changed & schema.in_place
        case Effect.VERIFY:
            return changed & VERIFIED
        case Effect.RECORD:
            return changed
    was = effect_of(desired.address, before, schema)

    def decides(key: str) -> bool:
        """Whether it alone makes a difference, or its return alone would."""
        alone, without = _with(before, key, after), _with(after, key, before)
        return (
            effect_of(desired.address, alone, schema) != was
            or effect_of(desired.address, without, schema) != desired.effect
        )

    decisive = frozenset(filter(decides, changed))
    return decisive | (changed & _MEANT) if decisive & _OF_MODEL else decisive


def _with(arguments: JsonObject, key: str, others: JsonObject) -> JsonObject:
    """The same arguments, but for one, which is as in others."""
    rest = {name: value for name, value in arguments.items() if name != key}
    return {**rest, key: others[key]} if key in others else rest


def _rank(difference: Difference) -> int:
    first = difference.path[0]
    return _TELLING.index(first) if first in _TELLING else _OWN


def _upstream(desired: Desired, difference: Difference) -> Address | None:
    """Where the argument that differs was taken from, if it was."""
    whole = desired.upstream.get(str(difference.path[0]))
    return desired.upstream.get(".".join(map(str, difference.path[:2])), whole)


def _shared_path(differences: list[Difference]) -> Path:
    """The longest path that all of them lie at or below."""
    levels = zip(*(d.path for d in differences), strict=False)
    return tuple(parts[0] for parts in takewhile(lambda parts: len(set(parts)) == 1, levels))
