"""Deadlines of many short things on an event loop, for less than a timer each costs.

Things are looked at every quarter of a second, so what takes too long is noticed that much later.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_INTERVAL: Final = 0.25


class Deadlines(Generic[K]):
    """Tells which of the things under way took longer than they may.

    Args:
        loop: whose clock counts and whose thread everything belongs to.
        seconds: how long each may take; 0 for ever.
        on_late: is told of each that takes longer, once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, on_late: Callable[[K], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._on_late = on_late
        self._started: dict[K, float] = {}
        self._looking = False

    def start(self, thing: K) -> None:
        """Something begins."""
        if self._seconds:
            self._started[thing] = self._loop.time()
            if not self._looking:
                self._looking = True
                self._loop.call_later(_INTERVAL, self._look)

    def end(self, thing: K) -> None:
        """Something ended, in time or not."""
        self._started.pop(thing, None)

    def _look(self) -> None:
        # insertion order is the order of time, and all may take equally long: the first in time ends the look
        latest = self._loop.time() - self._seconds
        while self._started:
            thing, started = next(iter(self._started.items()))
            if started > latest:
                break
            del self._started[thing]
            self._on_late(thing)
        self._looking = bool(self._started)
        if self._looking:
            self._loop.call_later(_INTERVAL, self._look)
