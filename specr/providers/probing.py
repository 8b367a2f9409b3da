"""Whether servers answer: many of them asked at once, within one time limit.

One thread and plain sockets: an HTTP client takes 20 ms to import, more than all the asking, and
every plan of what runs would wait for it. Of an answer, nothing but its status counts here.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Sequence
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Final

from msgspec import Struct

_AT_ONCE: Final = 256
"""Connections that are open at the same time: a process may have 1,024 files open, as a rule."""

_LINGER: Final = 0.2
"""Seconds that the rest of an answer is read: a server that can't send it would complain in its log."""

_HEAD: Final = 64
"""Bytes that hold the status of every answer."""

_PIECE: Final = 1 << 16

_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})
"""What a connection that is not refused at once begins with."""


class Question(Struct, frozen=True):
    """A GET of a path at a server."""

    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """What is asked."""
        return f"http://{self._authority}{self.path}"

    @property
    def request(self) -> bytes:
        """It, as it is sent."""
        lines = (f"GET {self.path} HTTP/1.1", f"Host: {self._authority}", "Accept: */*", "Connection: close")
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def ask_all(questions: Sequence[Question], seconds: float) -> list[str]:
    """What each server lacks to be ready, in a few words; empty where it answers 200.

    Some hundreds are asked at once; what has not answered after so many seconds counts as silent. Where
    there are more, and the first take long, the others are not asked: nothing is known against them.
    """
    deadline = time.monotonic() + seconds
    told: list[str] = []
    for start in range(0, len(questions), _AT_ONCE):
        some = questions[start : start + _AT_ONCE]
        late = start > 0 and deadline - time.monotonic() < seconds / 2  # too little to judge them by
        told += [""] * len(some) if late else _ask(some, seconds, deadline)
    return told


def _ask(questions: Sequence[Question], seconds: float, deadline: float) -> list[str]:
    with DefaultSelector() as selector:
        calls = [_Call(question, selector) for question in questions]
        try:
            while any(call.is_open for call in calls):
                for key, _ in selector.select(_pause(calls, deadline)):
                    key.data.go_on()
                now = time.monotonic()
                for call in calls:
                    call.close_if_late(now, deadline)
        finally:
            for call in calls:
                call.close()
    return [call.told(seconds) for call in calls]


def _pause(calls: Sequence[_Call], deadline: float) -> float:
    ends = [min(deadline, call.lingers_until or deadline) for call in calls if call.is_open]
    return max(0.0, min(ends) - time.monotonic())


class _Call:
    """One question under way."""

    def __init__(self, question: Question, selector: DefaultSelector) -> None:
        self.lingers_until: float | None = None
        self._question = question
        self._selector = selector
        self._unsent = question.request
        self._head = b""
        self._refused = ""
        self._socket: socket.socket | None = None
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                question.host, question.port, type=socket.SOCK_STREAM
            )[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.settimeout(0)
            refused = self._socket.connect_ex(place)
            if refused not in _UNDER_WAY:
                raise OSError(refused, os.strerror(refused))  # noqa: TRY301 - as `connect` would
            selector.register(self._socket, EVENT_WRITE, self)
        except OSError as error:
            self._give_up(error)

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def go_on(self) -> None:
        """Send what there is to send, then read what comes."""
        assert self._socket is not None
        try:
            if self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
                if not self._unsent:
                    self._selector.modify(self._socket, EVENT_READ, self)
                return
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            self._give_up(error)
            return
        self._head = (self._head + piece)[:_HEAD]
        if not piece:
            self._refused = "it hung up"
            self.close()
        elif self.lingers_until is None and self._status:
            self.lingers_until = time.monotonic() + _LINGER

    def close_if_late(self, now: float, deadline: float) -> None:
        """End it once its time is up."""
        if now >= min(deadline, self.lingers_until or deadline):
            self.close()

    def close(self) -> None:
        """End it, if it goes on."""
        if self._socket is None:
            return
        if self._socket in self._selector.get_map():
            self._selector.unregister(self._socket)
        self._socket.close()
        self._socket = None

    def told(self, seconds: float) -> str:
        """What the server lacks to be ready."""
        url = self._question.url
        if self._status == "200":
            return ""
        if self._status:
            return f"answers {self._status} at {url}"
        if self._head:
            return f"gives no answer at {url} that is HTTP"
        if self._refused:
            return f"gives no answer at {url}: {self._refused}"
        return f"gave no answer at {url} within {seconds:g} s"

    @property
    def _status(self) -> str:
        """The three digits of the answer's status, once they are there."""
        version, _, rest = self._head.partition(b" ")
        status = rest[:3]
        return (
            status.decode() if version.startswith(b"HTTP/") and len(status) == 3 and status.isdigit() else ""
        )

    def _give_up(self, error: OSError) -> None:
        self._refused = error.strerror or type(error).__name__
        self.close()
