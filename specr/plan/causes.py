"""Which of many differences tells why an object changes, and what is behind that. Pure."""

from __future__ import annotations

from typing import Final

from specr.plan.desired import Desired
from specr.plan.model import Cause, Difference, Reason

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

_OWN: Final = _TELLING.index("*")


def cause_of(desired: Desired, differences: tuple[Difference, ...]) -> Cause:
    """The most telling difference: which model is meant comes before how it runs and what follows from it."""
    first = min(differences, key=lambda d: _TELLING.index(d.path[0]) if d.path[0] in _TELLING else _OWN)
    whole = desired.upstream.get(str(first.path[0]))
    upstream = desired.upstream.get(".".join(map(str, first.path[:2])), whole)
    if upstream is None:
        return Cause(Reason.ARGUMENTS, first.path)
    return Cause(Reason.UPSTREAM, first.path, upstream)
