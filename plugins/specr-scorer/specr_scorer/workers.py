"""Who does the work that the event loop must not wait for: threads, and for what is quick the loop itself.

Made for many short tasks. What waits while a thread computes is taken together where tasks allow that,
and finished results are handed to the loop with at most one wake-up for all that are there, which serves
about a third more requests than `run_in_executor` does. The threads are daemons, since a model that never
returns must not keep the process from ending.

A change of threads costs more than many a model's prediction. So small tasks run on the loop, if
`allow_inline` was called and as long as they are quick: until then, and whenever they are not, the loop
stays free to answer that the runtime is alive. Those that arrive in one turn of the loop are done together.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Final, Generic, TypeAlias, TypeVar

A = TypeVar("A")
T = TypeVar("T")

_TOGETHER: Final = 256
"""The most tasks that are taken at once."""
_QUICK: Final = 0.005
"""Seconds that a run of small tasks may take on the loop."""
_LEAST: Final = 1e-6
"""Seconds that a task takes at least, whatever the clock says."""
_TRUST: Final = 32
"""Quick runs until small tasks run on the loop, and how many of them one slow run makes up for."""


class Task(Generic[A, T]):
    """A call of `run`, once, and who is told of its outcome.

    Args:
        run: what is done.
        argument: with what.
        on_done: is called in the loop's thread with the result, or with what was raised; never after
            `cancel`, which leaves None here.
        together: does several tasks by a single call, in their order, as `run` would; what has the same
            may be done so.
        joins: whether that takes less than one after the other, so that it is worth waiting for. Else it is
            done for small tasks only.
        small: whether it may run on the loop.
    """

    __slots__ = ("argument", "joins", "on_done", "overdue", "run", "small", "together")

    def __init__(
        self,
        run: Callable[[A], T],
        argument: A,
        on_done: "OnDone[T] | None",
        together: Callable[[Sequence[A]], Sequence[T]] | None = None,
        *,
        joins: bool = True,
        small: bool = False,
    ) -> None:
        self.run = run
        self.argument = argument
        self.on_done = on_done
        self.together = together
        self.joins = joins
        self.small = small
        self.overdue = False

    def cancel(self) -> None:
        """Nobody waits any more: it is not begun if it still waits."""
        self.on_done = None


OnDone: TypeAlias = Callable[[T | BaseException], None]
_Outcome: TypeAlias = T | BaseException | None
"""None of a task that nobody waited for."""


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
        self._waiting: deque[Task[A, T]] = deque()
        self._taking = threading.Lock()
        self._signals: SimpleQueue[None] = SimpleQueue()
        self._finished: deque[tuple[Task[A, T], _Outcome[T]]] = deque()
        self._waking = False
        self._threads = threads
        self._busy = 0
        self._overdue = 0
        self._inline: list[Task[A, T]] = []
        self._inline_allowed = False
        self._trust = 0
        self._task_seconds = _QUICK
        for number in range(threads):
            threading.Thread(target=self._work, name=f"scorer-{number + 1}", daemon=True).start()

    def allow_inline(self) -> None:
        """Let small tasks run on the loop, in place of a thread and never beside one."""
        self._inline_allowed = True

    def submit(self, task: Task[A, T]) -> None:
        """Have a task done; never before this returns."""
        if not (task.small and self._is_trusted()):
            waiting, self._inline = self._inline, []
            for one in (*waiting, task):  # what came before it is done before it
                self._hand_over(one)
            return
        self._inline.append(task)
        if len(self._inline) == 1 and not self._busy:
            # what arrives in the same turn of the loop joins it
            self._loop.call_soon(self._run_inline)

    def do_now(self, run: Callable[[A], T], argument: A) -> T | None:
        """Do what is small at once, if that may be and nothing else waits; None where it may not.

        What it raises is raised here.
        """
        if self._inline or self._busy or not self._is_trusted():
            return None
        started = time.perf_counter()
        result = run(argument)
        self._learn(time.perf_counter() - started)
        return result

    def give_up(self, task: Task[A, T]) -> None:
        """Cancel a task that takes too long, and count it as overdue until its work has ended."""
        task.cancel()
        task.overdue = True
        self._count_overdue(1)

    def _is_trusted(self) -> bool:
        return self._inline_allowed and self._trust >= _TRUST

    def _learn(self, seconds: float) -> None:
        """Trust small tasks more, or less. From whichever thread ran them; a lost update does no harm."""
        quick = seconds < _QUICK
        self._trust = min(self._trust + 1, 2 * _TRUST) if quick else max(self._trust - _TRUST, 0)

    def _most_in_turn(self) -> int:
        """How many small tasks that take their time each are quick together, as the last ones were."""
        return max(1, min(_TOGETHER, int(_QUICK / 2 / self._task_seconds)))

    def _hand_over(self, task: Task[A, T]) -> None:
        self._busy += 1
        self._waiting.append(task)
        self._signals.put(None)

    def _run_inline(self) -> None:
        if self._busy or not self._inline:  # threads work: when they are done, this is called again
            return
        waiting, self._inline = self._inline, []
        if not self._is_trusted():  # the last tasks were slow
            for task in waiting:
                self._hand_over(task)
            return
        most = _TOGETHER if waiting[0].joins else self._most_in_turn()
        tasks = waiting[: _count_together(waiting[:most])]
        self._inline = waiting[len(tasks) :]
        if self._inline:  # after the loop has heard of others, and who is told of these has asked for more
            self._loop.call_soon(self._run_inline)
        for task, outcome in zip(tasks, self._do(tasks, time.perf_counter), strict=True):
            self._finish(task, outcome)

    def _work(self) -> None:
        while True:
            self._signals.get()
            tasks = self._take()
            for finished in zip(tasks, self._do(tasks, time.thread_time), strict=True):
                self._finished.append(finished)
                # after the append: a delivery that is about to start clears the flag first
                if not self._waking:
                    self._waking = True
                    try:
                        self._loop.call_soon_threadsafe(self._deliver)
                    except RuntimeError:  # the loop is closed: nobody waits any more
                        return

    def _take(self) -> list[Task[A, T]]:
        """The next tasks; none where an earlier turn took more than the one that it was woken for."""
        with self._taking:
            if not self._waiting:
                return []
            share = -(-len(self._waiting) // self._threads)
            first = self._waiting.popleft()
            tasks = [first]
            most = min(share, _TOGETHER) if first.joins and first.together is not None else 1
            # one by one, since the loop's thread may add others at any moment, which no iterator outlives
            while len(tasks) < most and self._waiting[0].together is first.together:
                tasks.append(self._waiting.popleft())
            return tasks

    def _do(self, tasks: Sequence[Task[A, T]], clock: Callable[[], float]) -> Sequence[_Outcome[T]]:
        """Do tasks that may be done together: the outcome of each, in order.

        `clock` tells how long they took. In a thread that is processor time: what waits there for the
        interpreter's lock, which a busy loop holds for 5 ms at a time, would have been quick on the loop.
        """
        wanted = [task for task in tasks if task.on_done is not None]
        if not wanted:
            return [None] * len(tasks)
        first = wanted[0]
        started = clock()
        if len(wanted) == 1 or first.together is None:
            outcomes: Sequence[_Outcome[T]] = [_outcome(first.run, first.argument)]
        else:
            outcomes = _outcomes(first.together, [task.argument for task in wanted])
        if first.small:
            seconds = clock() - started
            self._task_seconds = max(seconds / len(wanted), _LEAST)
            self._learn(seconds if first.joins else self._task_seconds)
        if len(wanted) == len(tasks):
            return outcomes
        done = dict(zip(map(id, wanted), outcomes, strict=True))
        return [done.get(id(task)) for task in tasks]

    def _deliver(self) -> None:
        self._waking = False
        while self._finished:
            task, outcome = self._finished.popleft()
            self._busy -= 1
            self._finish(task, outcome)
        if self._inline and not self._busy:
            self._run_inline()

    def _finish(self, task: Task[A, T], outcome: _Outcome[T]) -> None:
        if task.overdue:
            self._count_overdue(-1)
        if task.on_done is None or outcome is None:  # given up, or the client is gone
            return
        try:
            task.on_done(outcome)
        except Exception as bug:  # noqa: BLE001 - the other tasks of this turn have their own callers
            context = {"message": "telling of an outcome failed", "exception": bug}
            self._loop.call_exception_handler(context)

    def _count_overdue(self, change: int) -> None:
        self._overdue += change
        self._on_overdue(self._overdue)


def _count_together(tasks: Sequence[Task[A, T]]) -> int:
    """How many tasks from the front may be done by one call; at least the first."""
    together = tasks[0].together
    if together is None:
        return 1
    return next((at for at, task in enumerate(tasks) if task.together is not together), len(tasks))


def _outcome(run: Callable[[A], T], argument: A) -> T | BaseException:
    try:
        return run(argument)
    except BaseException as error:  # noqa: BLE001 - told to who waits
        return error


def _outcomes(
    together: Callable[[Sequence[A]], Sequence[T]], arguments: Sequence[A]
) -> Sequence[T | BaseException]:
    try:
        return together(arguments)
    except BaseException as error:  # noqa: BLE001 - told to who waits
        return [error] * len(arguments)
