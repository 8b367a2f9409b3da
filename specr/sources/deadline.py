"""When a whole transfer must be over, however steadily a server goes on sending next to nothing.

The HTTP library bounds silences alone: a server that sends a byte now and then, of its headers too, would be
listened to for ever. Here the time runs beside it, and at its end the connections are cut.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import httpx

_CONNECTED: Final = ("connect_tcp.complete", "start_tls.complete")
"""What the HTTP library calls the events that bring a socket."""


class Deadline:
    """The time of one client, from the beginning of its block to the end."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether the time was up before the block ended."""
        return self._is_over

    def watch(self, request: httpx.Request) -> None:
        """Have the connections of a request cut in time; a hook of the HTTP library's."""
        request.extensions = {**request.extensions, "trace": self._note}

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        if not event.endswith(_CONNECTED):
            return
        found = info["return_value"].get_extra_info("socket")
        with self._lock:
            self._sockets.append(found)
            if self._is_over:
                _shut(found)

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            for found in self._sockets:
                _shut(found)


def _shut(found: socket.socket) -> None:
    """End reading and writing, also for a thread that waits in either.

    That of a TLS socket would first drop the cipher, and what is left be read as if it were content.
    """
    with suppress(OSError):  # it is closed, or another has taken its place
        socket.socket.shutdown(found, socket.SHUT_RDWR)
