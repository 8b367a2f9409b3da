"""Objects in the namespace: applied by the server, with respect for what others own, and deleted for good."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.providers.kubernetes import names
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.trouble import RefusedError, foreign, owned_fields, still_there
from specr.providers.protocol import TransientError

Sleep = Callable[[float], None]

_APPLY: Final = "application/apply-patch+yaml"
_HAND: Final = "kubectl"
"""What the names of field managers begin with when a person has used kubectl on an object."""

_LATE: Final = 5.0
"""Seconds after its grace when a pod counts as killed, whatever its node says."""

_CONFLICT: Final = re.compile(r'conflict with "(?P<manager>[^"]*)"(?P<once> using )?')


class Objects:
    """Applies and deletes objects of one namespace.

    Args:
        cluster: where they are.
        labels: the labels by which objects are known to be of this lineage.
        clock: seconds that never go back.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        labels: JsonObject,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.cluster = cluster
        self.clock = clock
        self.sleep = sleep
        self._labels = labels

    def apply(self, resource: str, manifest: JsonObject, address: Address | None) -> dict[str, Any]:
        """Make an object what a manifest says, as far as the manifest goes; returns the live object.

        What a person has changed by hand with kubectl is put back. What another tool has applied,
        or a controller keeps writing, is left alone and told.

        Raises:
            ProviderError: others own fields that would change.
        """
        name = manifest["metadata"]["name"]
        try:
            return self._patch(resource, manifest, force=False)
        except RefusedError as error:
            if error.status != 409:
                raise
            conflicts = _conflicts(error.body)
            if not conflicts:
                raise TransientError(error.message) from error
            strangers = [(m, field) for m, field, once in conflicts if not (once and m.startswith(_HAND))]
            if strangers:
                raise owned_fields(manifest["kind"], name, strangers, address) from error
        return self._patch(resource, manifest, force=True)

    def own(self, resource: str, name: str, kind: str, address: Address | None) -> dict[str, Any] | None:
        """One object, if it is there and of this lineage.

        Raises:
            ProviderError: somebody else has made one of that name.
            TransientError: it is on its way out.
        """
        live = self.cluster.get(resource, name)
        if live is None:
            return None
        labels = live["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in self._labels.items()):
            raise foreign(kind, name, address)
        if live["metadata"].get("deletionTimestamp"):
            raise TransientError(f"the {kind} {name} is being deleted")
        return live

    def marked(self, resource: str, token: str) -> list[dict[str, Any]]:
        """All objects of a kind that were made with a token."""
        labels = {**self._labels, names.TOKEN: names.label_value(token)}
        return self.cluster.list(resource, names.as_query(labels))

    def delete(self, resource: str, name: str, *, grace: int | None = None, foreground: bool = False) -> None:
        """Ask for an object's deletion; one that is gone already is no error."""
        body: dict[str, Any] = {"propagationPolicy": "Foreground" if foreground else "Background"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        try:
            self.cluster.call("DELETE", self.cluster.path(resource, name), body)
        except RefusedError as error:
            if error.status != 404:
                raise

    def await_gone(self, looks: Iterable[tuple[str, Callable[[], bool]]], seconds: float) -> None:
        """Wait until nothing is left: pairs of what it is, and a look at whether it is gone.

        Raises:
            ProviderError: something is still there after so many seconds.
        """
        deadline = self.clock() + seconds
        left, pauses = list(looks), pauses_between_looks()
        while left := [(name, is_gone) for name, is_gone in left if not is_gone()]:
            if self.clock() > deadline:
                raise still_there([name for name, _ in left], seconds)
            self.sleep(next(pauses))

    def watch_pods_end(self, token: str, grace: float) -> Callable[[], bool]:
        """A look at whether no pod of an object, which was deleted just now, is left.

        Nodes take up to ten seconds to take a pod off the books whose containers have all ended,
        longer where they have lost track of one, for ever where they are down themselves. So what
        has ended, or should have been killed a while ago, is taken off the books here.
        """
        killed_by = self.clock() + grace + _LATE

        def are_gone() -> bool:
            pods = self.marked("pods", token)
            overdue = self.clock() > killed_by
            for pod in pods:
                if pod["metadata"].get("deletionTimestamp") and (overdue or have_ended(pod)):
                    self.delete("pods", pod["metadata"]["name"], grace=0)
            return not pods

        return are_gone

    def _patch(self, resource: str, manifest: JsonObject, *, force: bool) -> dict[str, Any]:
        path = self.cluster.path(resource, manifest["metadata"]["name"])
        query = {"fieldManager": names.MANAGER, "force": "true" if force else "false"}
        return self.cluster.call("PATCH", path, manifest, query=query, content_type=_APPLY)


def have_ended(pod: JsonObject) -> bool:
    """Whether all containers of a pod have ended, as its node has told."""
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return bool(statuses) and all("terminated" in (one.get("state") or {}) for one in statuses)


def pauses_between_looks() -> Iterator[float]:
    """Seconds between one look at an object and the next: often at first, then less."""
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 1.3, 1.0)


def _conflicts(body: JsonObject) -> Sequence[tuple[str, str, bool]]:
    """The conflicts of an apply: manager, field, and whether it was a single change, no standing claim."""
    found = []
    for cause in body.get("details", {}).get("causes") or ():
        match = _CONFLICT.search(str(cause.get("message", "")))
        if cause.get("reason") == "FieldManagerConflict" and match:
            found.append((match["manager"], str(cause.get("field", "")), match["once"] is not None))
    return found
