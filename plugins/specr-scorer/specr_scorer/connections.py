"""All connections of a server: how many there may be, whose time is over, and their end."""

import asyncio
import resource
from typing import Final

from specr_scorer.connection import Connection
from specr_scorer.heads import KnownHeads
from specr_scorer.phases import Phase
from specr_scorer.responses import error
from specr_scorer.service import Service
from specr_scorer.turns import Turn
from specr_scorer.wire import Encoder

MOST: Final = 1024
"""Connections held at once, where the process may have as many files open."""
_OTHER_FILES: Final = 128
_REFUSED: Final = 64
"""Connections beyond `MOST` that may be open to read that they were refused."""
_INTERVAL: Final = 0.25
"""Seconds between two looks at whose time is over, which is noticed up to that much later."""


class Connections:
    """The connections that are open. Everything here happens in the event loop's thread."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop, turn: Turn) -> None:
        self._service = service
        self._loop = loop
        self._encoder = Encoder()
        self._known = KnownHeads()
        self._turn = turn
        self._open: set[Connection] = set()
        self._most, self._refused = _room(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._looking = False
        self._none_left = asyncio.Event()

    def make(self) -> Connection:
        """A connection for the next client, as asyncio asks for one."""
        return Connection(self._service, self._encoder, self._loop, self._turn, self._known, self)

    async def drain(self, seconds: float) -> bool:
        """Let what is asked be answered, then close; False if that took longer than it may."""
        for connection in tuple(self._open):
            connection.retire()
        if await self._become_empty(seconds):
            return True
        owing = [connection for connection in self._open if connection.owes]
        for connection in tuple(self._open):
            connection.give_up()
        await self._become_empty(1)  # the time to send that
        return not owing

    async def _become_empty(self, seconds: float) -> bool:
        self._none_left.clear()
        if self._open:
            try:
                await asyncio.wait_for(self._none_left.wait(), seconds)
            except TimeoutError:
                return False
        return True

    def add(self, connection: Connection) -> None:
        """Take note of a client that came, and make room for it."""
        self._open.add(connection)
        self._service.connected = len(self._open)
        if len(self._open) > self._most:
            self._make_room(connection)
        if not self._looking:
            self._looking = True
            self._loop.call_later(_INTERVAL, self._look)

    def remove(self, connection: Connection) -> None:
        """Take note of a client that left."""
        self._open.discard(connection)
        self._service.connected = len(self._open)
        if not self._open:
            self._none_left.set()

    def _make_room(self, newest: Connection) -> None:
        """Close the connection that has been idle for longest, or else refuse the newest one."""
        idle = [each for each in self._open if each.phase is Phase.IDLE and each is not newest]
        if idle:
            min(idle, key=lambda each: each.deadline).retire()
        else:
            newest.refuse(error(503, f"There are {self._most} connections already, all of them busy."))
            if len(self._open) > self._most + self._refused:
                refused = [each for each in self._open if each.phase is Phase.CLIENT]
                min(refused, key=lambda each: each.deadline).be_late()

    def _look(self) -> None:
        now = self._loop.time()
        for connection in [each for each in self._open if each.deadline <= now]:
            connection.be_late()
        self._looking = bool(self._open)
        if self._looking:
            self._loop.call_later(_INTERVAL, self._look)


def _room(files: int) -> tuple[int, int]:
    """How many connections there may be, and how many more that are refused, of a process' open files."""
    if files == resource.RLIM_INFINITY:
        return MOST, _REFUSED
    most = min(MOST, max(files - _OTHER_FILES, files // 2))
    return most, min(_REFUSED, (files - most) // 4)
