"""Who does the work that the event loop must not wait for: threads, and for what is quick the loop itself.

Made for many short tasks. What waits while a thread computes is taken together where tasks allow that,
and finished results are handed to the loop with at most one wake-up for all that are there, which serves
about a third more requests than `run_in_executor` does. The threads are daemons, since a model that never
returns must not keep the process from ending.

A change of threads costs more than many a model's prediction. So small tasks run on the loop, if
`allow_inline` was called and as long as they are quick: until then, and whenever they are not, the loop
stays free to answer that the runtime is alive.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Final, Generic, TypeAlias, TypeVar

A = TypeVar("A")
T = TypeVar("T")

_TOGETHER: Final = 256
"""The most tasks that are taken at once."""
_QUICK: Final = 0.005
"""Seconds that a run of small tasks may take on the loop."""
_TRUST: Final = 32
"""Quick runs until small tasks run on the loop, and how many of them one slow run makes up for."""


@dataclass(frozen=True, slots=True)
class Task(Generic[A, T]):
    """A call of `run`. Tasks of one `together` may be done by a single call of it, in their order."""

    run: Callable[[A], T]
    argument: A
    together: Callable[[Sequence[A]], Sequence[T]] | None = None
    small: bool = False


_Waiting: TypeAlias = tuple[Task[A, T], "asyncio.Future[T]"]
_Finished: TypeAlias = tuple["asyncio.Future[T]", T | None, BaseException | None]


class Workers(Generic[A, T]):
    """A fixed number of threads that do tasks in the order of submission.

    Everything public belongs to the loop's thread. With one thread, all tasks share it, which suits
    libraries that tie a loaded model to the thread that loaded it.

    Args:
        threads: how many.
        loop: whose thread submits and gets the results.
        on_overdue: is told how many tasks were given up whose work has not ended, when that changes.
    """

    def __init__(
        self, threads: int, loop: asyncio.AbstractEventLoop, on_overdue: Callable[[int], None]
    ) -> None:
        self._loop = loop
        self._on_overdue = on_overdue
        self._waiting: deque[_Waiting[A, T]] = deque()
        self._taking = threading.Lock()
        self._signals: SimpleQueue[None] = SimpleQueue()
        self._finished: deque[_Finished[T]] = deque()
        self._waking = False
        self._threads = threads
        self._busy = 0
        self._overdue: set[asyncio.Future[T]] = set()
        self._inline: list[_Waiting[A, T]] = []
        self._inline_allowed = False
        self._trust = 0
        for number in range(threads):
            threading.Thread(target=self._work, name=f"scorer-{number + 1}", daemon=True).start()

    def allow_inline(self) -> None:
        """Let small tasks run on the loop, in place of a thread and never beside one."""
        self._inline_allowed = True

    def submit(self, task: Task[A, T]) -> "asyncio.Future[T]":
        """Have a task done; the future has its result, or its exception of any kind."""
        future: asyncio.Future[T] = self._loop.create_future()
        if task.small and self._may_inline():
            if not self._inline:
                # what arrives in the same turn of the loop joins it
                self._loop.call_soon(self._run_inline)
            self._inline.append((task, future))
        else:
            self._hand_over(future, task)
        return future

    def do_now(self, task: Task[A, T]) -> T | None:
        """Do a small task at once, if that may be and nothing else waits; None where it may not.

        What the task raises is raised here.
        """
        if self._inline or not (task.small and self._may_inline()):
            return None
        started = time.perf_counter()
        result = task.run(task.argument)
        self._learn(time.perf_counter() - started)
        return result

    def give_up(self, future: "asyncio.Future[T]", result: T) -> None:
        """Settle a task that takes too long; one that still waits is never begun."""
        if not future.done():
            future.set_result(result)
            self._overdue.add(future)
            self._on_overdue(len(self._overdue))

    def _may_inline(self) -> bool:
        return self._inline_allowed and self._trust >= _TRUST and not self._busy

    def _learn(self, seconds: float) -> None:
        """Trust small tasks more, or less. From whichever thread ran them; a lost update does no harm."""
        quick = seconds < _QUICK
        self._trust = min(self._trust + 1, 2 * _TRUST) if quick else max(self._trust - _TRUST, 0)

    def _hand_over(self, future: "asyncio.Future[T]", task: Task[A, T]) -> None:
        self._busy += 1
        self._waiting.append((task, future))
        self._signals.put(None)

    def _run_inline(self) -> None:
        waiting, self._inline = self._inline, []
        if self._busy:  # a larger task came in the same turn
            for task, future in waiting:
                self._hand_over(future, task)
            return
        while waiting:
            count = _count_together(waiting, _TOGETHER)
            for result in self._do(waiting[:count]):
                self._finish(*result)
            waiting = waiting[count:]

    def _work(self) -> None:
        while True:
            self._signals.get()
            for result in self._do(self._take()):
                self._finished.append(result)
                # after the append: a delivery that is about to start clears the flag first
                if not self._waking:
                    self._waking = True
                    try:
                        self._loop.call_soon_threadsafe(self._deliver)
                    except RuntimeError:  # the loop is closed: nobody waits any more
                        return

    def _take(self) -> list[_Waiting[A, T]]:
        """The next tasks; none where an earlier turn took more than the one that it was woken for."""
        with self._taking:
            if not self._waiting:
                return []
            share = -(-len(self._waiting) // self._threads)
            count = _count_together(self._waiting, min(share, _TOGETHER))
            return [self._waiting.popleft() for _ in range(count)]

    def _do(self, batch: Sequence[_Waiting[A, T]]) -> Iterator[_Finished[T]]:
        """Do tasks that may be done together, and yield each one's outcome when it is there."""
        wanted: list[_Waiting[A, T]] = []
        for task, future in batch:
            if future.done():  # given up while it waited
                yield future, None, None
            else:
                wanted.append((task, future))
        if not wanted:
            return
        first = wanted[0][0]
        started = time.perf_counter()
        if len(wanted) == 1 or first.together is None:
            outcomes = [_outcome(first.run, first.argument)]
        else:
            outcomes = _outcomes(first.together, [task.argument for task, _ in wanted])
        if first.small:
            self._learn(time.perf_counter() - started)
        for (_, future), (result, error) in zip(wanted, outcomes, strict=True):
            yield future, result, error

    def _deliver(self) -> None:
        self._waking = False
        while self._finished:
            future, result, error = self._finished.popleft()
            self._busy -= 1
            self._finish(future, result, error)

    def _finish(self, future: "asyncio.Future[T]", result: T | None, error: BaseException | None) -> None:
        if future in self._overdue:
            self._overdue.discard(future)
            self._on_overdue(len(self._overdue))
        _settle(future, result, error)


def _count_together(waiting: Sequence[_Waiting[A, T]] | deque[_Waiting[A, T]], most: int) -> int:
    """How many tasks from the front may be done by one call; at least the first."""
    together = waiting[0][0].together
    count = 1
    if together is not None:
        for task, _ in islice(waiting, 1, most):
            if task.together is not together:
                break
            count += 1
    return count


def _outcome(run: Callable[[A], T], argument: A) -> tuple[T | None, BaseException | None]:
    try:
        return run(argument), None
    except BaseException as error:  # noqa: BLE001 - the future carries it to who waits
        return None, error


def _outcomes(
    together: Callable[[Sequence[A]], Sequence[T]], arguments: Sequence[A]
) -> list[tuple[T | None, BaseException | None]]:
    try:
        return [(result, None) for result in together(arguments)]
    except BaseException as error:  # noqa: BLE001 - the futures carry it to who waits
        return [(None, error) for _ in arguments]


def _settle(future: "asyncio.Future[T]", result: T | None, error: BaseException | None) -> None:
    if future.done():  # given up, or cancelled since the client is gone
        return
    if error is None:
        future.set_result(result)  # type: ignore[arg-type]  # the result of a call without error
    elif isinstance(error, StopIteration):  # which no future takes
        bearable = RuntimeError("StopIteration was raised")
        bearable.__cause__ = error
        future.set_exception(bearable)
    else:
        future.set_exception(error)
