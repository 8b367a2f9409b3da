"""One kind of object as the API server tells of it: a list, then a watch, in a thread of its own.

A watch only tells what happened; nobody may rely on it. It may be refused, break off, come late or say
nothing: `objects` is None then, and who asked looks for himself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Event, Lock, Thread
from typing import Any, Final

from specr.canonical import JsonObject, decode_json
from specr.providers.kubernetes.answers import Stream
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.trouble import RefusedError
from specr.providers.protocol import TransientError

_log = logging.getLogger(__name__)

_LENGTH: Final = 60
"""Seconds after which the server ends a watch, so that a dead connection is noticed; it is taken up again."""

_IDLE: Final = 120.0
"""Seconds after which a watch ends that nobody has asked anything."""

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a watch that broke off is begun anew; the last one again and again."""

_LEAVE: Final = 5.0
"""Seconds that a watch gets to end; it may be at a call that has to time out."""

_EXPIRED: Final = 410


class Watch:
    """Objects of one kind in the namespace, for as long as somebody asks for them.

    Args:
        cluster: where they are.
        resource: the kind.
        query: selectors, as the API server takes them.
        on_change: told of every object that came, changed or went, in the watch's own thread.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: str,
        query: Mapping[str, str],
        on_change: Callable[[JsonObject], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._resource = resource
        self._query = query
        self._on_change = on_change
        self._clock = clock
        self._lock = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self._stream: Stream | None = None
        self._asked = clock()
        self._refused = False
        self._objects: dict[str, JsonObject] | None = None

    def objects(self) -> Sequence[JsonObject] | None:
        """All objects as last told; None where nothing is known for now. Never waits."""
        with self._lock:
            self._asked = self._clock()
            if self._thread is None and not self._refused and not self._stop.is_set():
                self._thread = Thread(target=self._run, name=f"watch {self._resource}", daemon=True)
                self._thread.start()
            return None if self._objects is None else tuple(self._objects.values())

    def close(self) -> None:
        """End the watch for good."""
        self._stop.set()
        with self._lock:
            thread = self._thread
            if self._stream is not None:
                self._stream.interrupt()
        if thread is not None:
            thread.join(_LEAVE)

    def _run(self) -> None:
        failures = 0
        while self._is_wanted():
            try:
                version = self._list()
                failures = 0
                self._follow(version)
            except RefusedError as error:
                if error.status != _EXPIRED:
                    _log.info("no watch of %s, which are looked up instead: %s", self._resource, error)
                    self._give_up()
                    return
            except TransientError as error:
                _log.info("the watch of %s broke off: %s", self._resource, error)
                self._forget()
                self._stop.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    def _is_wanted(self) -> bool:
        """Whether to go on; if not, the next who asks begins anew."""
        with self._lock:
            wanted = not self._stop.is_set() and self._clock() - self._asked < _IDLE
            if not wanted:
                self._thread = self._objects = None
            return wanted

    def _give_up(self) -> None:
        with self._lock:
            self._thread = self._objects = None
            self._refused = True

    def _forget(self) -> None:
        with self._lock:
            self._objects = None

    def _list(self) -> str:
        """Begin with all that is there; returns the version to follow from."""
        found, version = self._cluster.list_at(self._resource, self._query)
        with self._lock:
            self._objects = {_key(one): one for one in found}
        for one in found:
            self._on_change(one)
        return version

    def _follow(self, version: str) -> None:
        """Follow what happens until it has to be listed anew, or nobody is interested any more."""
        while self._is_wanted():
            for kind, about in self._events(version):
                if kind == "ERROR":
                    if about.get("code") == _EXPIRED:
                        return
                    raise TransientError(str(about.get("message") or "the server has ended it"))
                version = about["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self._take(kind, about)

    def _events(self, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the server tells, until it or we have had enough."""
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_LENGTH),
        }
        with self._cluster.stream(self._cluster.path(self._resource), query, 1.5 * _LENGTH) as stream:
            with self._lock:
                self._stream = stream
            try:
                if self._stop.is_set():  # `close` may have come too early to interrupt this one
                    return
                for line in stream.lines():
                    yield _decode(line)
            finally:
                with self._lock:
                    self._stream = None

    def _take(self, kind: str, about: JsonObject) -> None:
        with self._lock:
            if self._objects is not None:
                if kind == "DELETED":
                    self._objects.pop(_key(about), None)
                else:
                    self._objects[_key(about)] = about
        self._on_change(about)


def _key(about: JsonObject) -> str:
    return str(about["metadata"]["uid"])


def _decode(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        event = decode_json(line)
        return str(event["type"]), event["object"]
    except (ValueError, TypeError, KeyError) as error:
        raise TransientError(f"the server's words are not understood: {line[:200]!r}") from error
