"""Sources that mean something else than when a plan was made. Pure.

A digest says that a saved plan is stale; this says what it was that moved, where it was a source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from specr.address import Address
from specr.plan.model import Plan
from specr.plan.observed import SourceFacts
from specr.state.model import State


class Moved(NamedTuple):
    """An artifact's source, and what it meant and means: a reference that doesn't move, or a digest."""

    address: Address
    source: str
    before: str
    now: str


def moved_sources(plan: Plan, state: State, facts: Mapping[Address, SourceFacts]) -> tuple[Moved, ...]:
    """The sources that have moved since the plan was made, by address, as far as that can be told.

    What the plan doesn't change was then as `state` has it. A source that only apply can tell, and one
    that the spec has replaced by another, are left out.
    """
    planned = {change.address: change.planned for change in plan.steps}
    found = []
    for address, known in sorted(facts.items()):
        recorded = state.objects.get(address)
        before = planned.get(address) or (recorded.arguments if recorded else {})
        if before.get("source") != known.reference:
            continue
        for was, now in ((before.get("resolved"), known.pinned), (before.get("digest"), known.digest)):
            if isinstance(was, str) and now and was != now:
                found.append(Moved(address, known.reference, was, now))
                break
    return tuple(found)
