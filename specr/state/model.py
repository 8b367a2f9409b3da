"""Recorded state: what was last applied, as frozen values.

This module knows nothing of how or where state is kept; backends do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from specr.address import Address
from specr.canonical import JsonObject

FORMAT_VERSION: Final = 1
"""The version of recorded state that this specr writes. Older ones are upgraded, newer ones refused."""


class ObjectRef(Struct, frozen=True):
    """Leads to one object at a provider.

    The token is enough to find the object, since providers mark what they make with
    lineage, address and token; the attributes are what was last known of it.
    """

    address: Address
    provider: str
    token: str
    attributes: JsonObject = field(default_factory=dict)


class RecordedObject(Struct, frozen=True):
    """One object as last applied.

    `arguments` are what was asked for, `attributes` what came of it. `fingerprint` is
    the digest of the arguments. Records (objects that live in state only) have neither
    provider nor token.
    """

    address: Address
    arguments: JsonObject
    attributes: JsonObject
    fingerprint: str
    dependencies: tuple[Address, ...] = ()
    provider: str = ""
    token: str = ""
    tainted: bool = False

    @property
    def ref(self) -> ObjectRef:
        """The way to the object at its provider."""
        return ObjectRef(self.address, self.provider, self.token, self.attributes)

    def with_attributes(self, attributes: JsonObject) -> RecordedObject:
        """The same object with other attributes."""
        return replace(self, attributes=attributes)


class Pending(Struct, frozen=True):
    """An effect that was begun and whose result is not recorded: the intent.

    `effect` is the digest of what the effect depends on: a later plan that wants the
    same effect takes up the same token, so that nothing is made twice. `leftovers` are
    objects beside the recorded one that may still exist and must go.
    """

    address: Address
    action: str
    provider: str
    token: str
    effect: str
    plan: str
    leftovers: tuple[ObjectRef, ...] = ()

    @property
    def ref(self) -> ObjectRef:
        """The way to the object that may have been made."""
        return ObjectRef(self.address, self.provider, self.token)


class State(Struct, frozen=True):
    """One consistent snapshot of recorded state.

    `serial` grows by one with each write. `lineage` names the state for good, so that
    objects made for it are told from those of others.
    """

    lineage: str
    serial: int
    objects: Mapping[Address, RecordedObject]
    pending: Mapping[Address, Pending] = field(default_factory=dict)
    run: Run | None = None


class Run(Struct, frozen=True):
    """One apply or destroy: an entry of the history.

    `first` and `last` are the serials before and after it; `last` grows while it runs.
    `status` is `running`, `succeeded`, `failed` or `interrupted`. Times are UTC, in
    ISO 8601 with seconds. `summary` counts outcomes by action; `done` are the addresses
    whose change has been carried out.
    """

    number: int
    operation: str
    plan: str
    actor: str
    started: str
    first: int
    last: int
    finished: str = ""
    status: str = "running"
    summary: Mapping[str, int] = field(default_factory=dict)
    done: frozenset[Address] = frozenset()
