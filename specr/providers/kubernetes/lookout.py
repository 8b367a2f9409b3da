"""How objects are looked at while they are waited for: through watches, and afresh before a conclusion.

One watch for each kind serves all who wait, however many. What it tells may be late, so it only ever says
that there is nothing to conclude yet. Every conclusion, good or bad, comes from the API server's own answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Condition
from typing import Final, Protocol, TypeVar

from specr.canonical import JsonObject
from specr.providers.kubernetes import names
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.watching import Watch

_T = TypeVar("_T")

_AFRESH: Final = 10.0
"""Seconds after which an object is looked at afresh, whatever the watches tell."""


class View(Protocol):
    """A way to look at objects."""

    def get(self, resource: str, name: str) -> JsonObject | None:
        """One object, if it is there."""

    def marked(self, resource: str, token: str) -> Sequence[JsonObject]:
        """All objects of a kind that were made with a token."""

    def events(self, uid: str) -> Sequence[JsonObject]:
        """The warnings about one object."""


class Fresh:
    """Asks the API server."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self, resource: str, name: str) -> JsonObject | None:
        """See `View`."""
        return self._objects.cluster.get(resource, name)

    def marked(self, resource: str, token: str) -> Sequence[JsonObject]:
        """See `View`."""
        return self._objects.marked(resource, token)

    def events(self, uid: str) -> Sequence[JsonObject]:
        """See `View`."""
        return self._objects.cluster.list("events", fields=f"involvedObject.uid={uid},type=Warning")


class _Told:
    """Knows what watches have told."""

    def __init__(self, told: dict[str, Sequence[JsonObject]]) -> None:
        self._told = told

    def get(self, resource: str, name: str) -> JsonObject | None:
        """See `View`."""
        return next((one for one in self._told[resource] if one["metadata"]["name"] == name), None)

    def marked(self, resource: str, token: str) -> Sequence[JsonObject]:
        """See `View`."""
        found = [one for one in self._told[resource] if _token_of(one) == names.label_value(token)]
        return sorted(found, key=lambda one: str(one["metadata"]["name"]))

    def events(self, uid: str) -> Sequence[JsonObject]:
        """See `View`."""
        return [one for one in self._told["events"] if one.get("involvedObject", {}).get("uid") == uid]


class Lookout:
    """Looks at objects for all who wait for them. Safe for several threads."""

    def __init__(self, objects: Objects, labels: dict[str, str]) -> None:
        self._clock = objects.clock
        self._fresh = Fresh(objects)
        self._changed = Condition()
        self._changes: Counter[str] = Counter()
        self._seen: dict[str, int] = {}
        self._looked: dict[str, float] = {}
        of_lineage = {"labelSelector": names.as_query(labels)}
        self._watches = {
            resource: Watch(objects.cluster, resource, query, self._note, clock=objects.clock)
            for resource, query in (
                ("deployments", of_lineage),
                ("jobs", of_lineage),
                ("pods", of_lineage),
                ("events", {"fieldSelector": "type=Warning"}),
            )
        }

    def conclude(
        self, token: str, resource: str, look: Callable[[View], _T], is_over: Callable[[_T], bool]
    ) -> _T:
        """What a look at an object finds.

        Args:
            token: the object's.
            resource: its kind; looks may see this kind, pods and events.
            look: looks, and finds something.
            is_over: whether that is the end of waiting.
        """
        with self._changed:
            self._seen[token] = self._changes[token]
        told = self._told((resource, "pods", "events"))
        if told is not None and self._clock() - self._looked.get(token, float("-inf")) < _AFRESH:
            found = look(told)
            if not is_over(found):
                return found
        self._looked[token] = self._clock()
        return look(self._fresh)

    def await_change(self, token: str, seconds: float) -> None:
        """Wait until something has happened to an object since it was looked at, but no longer than so."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes[token] != self._seen.get(token), seconds)

    def close(self) -> None:
        """End all watches."""
        for watch in self._watches.values():
            watch.close()

    def _told(self, resources: Sequence[str]) -> View | None:
        """The view through watches; None unless each of them knows."""
        told = {resource: self._watches[resource].objects() for resource in resources}
        known = {resource: objects for resource, objects in told.items() if objects is not None}
        return _Told(known) if len(known) == len(told) else None

    def _note(self, about: JsonObject) -> None:
        with self._changed:
            self._changes[_token_of(about)] += 1
            self._changed.notify_all()


def _token_of(about: JsonObject) -> str:
    return str((about["metadata"].get("labels") or {}).get(names.TOKEN, ""))
