"""Who does which task, in which company."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import pytest
from specr_scorer.testing import PATIENCE
from specr_scorer.workers import Task, Workers

Numbers = Workers[int, int]


def submit(workers: Numbers, task: Task[int, int]) -> asyncio.Future[int]:
    """Have a task done: a future of its outcome."""
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_done(outcome: int | BaseException) -> None:
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    task.on_done = on_done
    workers.submit(task)
    return future


def run(main: Callable[[Callable[..., Numbers]], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        def make(threads: int = 1, on_overdue: Callable[[int], None] = lambda _: None) -> Numbers:
            return Workers(threads, asyncio.get_running_loop(), on_overdue)

        return await asyncio.wait_for(main(make), PATIENCE)

    return asyncio.run(inside())


def test_every_result_and_failure_comes_back() -> None:
    def call(number: int) -> int:
        if number % 7 == 0:
            raise ValueError(number)
        return number

    async def main(make: Callable[..., Numbers]) -> list[int | BaseException]:
        workers = make(4)
        futures = [submit(workers, Task(call, number, None)) for number in range(500)]
        return await asyncio.gather(*futures, return_exceptions=True)

    results = run(main)
    failed = [number for number, result in enumerate(results) if isinstance(result, ValueError)]
    assert failed == list(range(0, 500, 7))
    assert all(result == number for number, result in enumerate(results) if number % 7)


class Doubler:
    """Notes who is done together, in which thread; the first waits until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.threads: set[int] = set()
        self.go = threading.Event()
        self.joined = self.together  # one bound method for all tasks, as a job has

    def run(self, number: int) -> int:
        self.groups.append([number])
        self.threads.add(threading.get_ident())
        if number < 0:
            assert self.go.wait(PATIENCE)
        return 2 * number

    def together(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.threads.add(threading.get_ident())
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]

    def task(self, number: int, *, joins: bool = True, small: bool = True) -> Task[int, int]:
        return Task(self.run, number, None, self.joined if joins else None, small=small)


def test_what_waits_is_done_together_and_in_order() -> None:
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> list[int]:
        workers = make()
        tasks = [doubler.task(-1, joins=False), *map(doubler.task, range(4))]
        tasks += [doubler.task(4, joins=False), doubler.task(5), doubler.task(6)]
        futures = [submit(workers, task) for task in tasks]
        doubler.go.set()
        return await asyncio.gather(*futures)

    assert run(main) == [-2, 0, 2, 4, 6, 8, 10, 12]
    assert [-1] in doubler.groups
    assert [4] in doubler.groups
    assert list(chain.from_iterable(doubler.groups)) == [-1, 0, 1, 2, 3, 4, 5, 6]


class Crowded(deque[Any]):
    """Changes whenever an iterator of it was made, as if the loop's thread had come between."""

    def __iter__(self) -> Iterator[Any]:
        made = super().__iter__()
        self.append(self.pop())
        return made


def test_tasks_may_come_at_any_moment_while_a_thread_takes_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr_scorer.workers.deque", Crowded)
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> list[int]:
        workers = make()
        futures = [submit(workers, doubler.task(number, joins=number > 0)) for number in (-1, 5, 6, 7)]
        doubler.go.set()
        return await asyncio.gather(*futures)

    assert run(main) == [-2, 10, 12, 14]


def test_a_group_that_fails_as_a_whole_fails_for_each() -> None:
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> list[int | BaseException]:
        workers = make()
        futures = [submit(workers, doubler.task(number, joins=number > 0)) for number in (-1, 12, 13, 14)]
        await asyncio.sleep(0.05)
        doubler.go.set()
        return await asyncio.gather(*futures, return_exceptions=True)

    first, *rest = run(main)
    assert first == -2
    assert all(isinstance(result, ValueError) for result in rest)


def test_what_was_given_up_while_it_waited_is_never_begun() -> None:
    doubler, overdue = Doubler(), []

    async def main(make: Callable[..., Numbers]) -> list[int]:
        workers = make(on_overdue=overdue.append)
        running, waiting, left = (doubler.task(number, joins=number > 0) for number in (-1, 5, 7))
        told = [submit(workers, task) for task in (running, waiting, left)]
        last = submit(workers, doubler.task(6))
        await asyncio.sleep(0.05)
        workers.give_up(waiting)
        workers.give_up(running)
        left.cancel()
        assert overdue == [1, 2]
        doubler.go.set()
        assert await last == 12
        assert not any(future.done() for future in told)
        return await asyncio.gather(submit(workers, doubler.task(8)))

    assert run(main) == [16]
    assert sorted(chain.from_iterable(doubler.groups)) == [-1, 6, 8]
    assert overdue == [1, 2, 1, 0]


def test_small_tasks_that_do_not_join_are_done_together_on_the_loop_only_and_as_many_as_are_quick() -> None:
    doubler = Doubler()

    def slow(numbers: Sequence[int]) -> list[int]:
        time.sleep(0.0004 * len(numbers))
        return doubler.together(numbers)

    def task(number: int) -> Task[int, int]:
        return Task(doubler.run, number, None, slow, joins=False, small=True)

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make()
        first = submit(workers, doubler.task(-1, joins=False))
        others = [submit(workers, task(number)) for number in range(20, 60)]
        doubler.go.set()
        assert await asyncio.gather(first, *others) == [-2, *range(40, 120, 2)]
        assert {len(group) for group in doubler.groups} == {1}
        doubler.groups.clear()
        doubler.threads.clear()
        workers.allow_inline()
        assert await asyncio.gather(*(submit(workers, task(n)) for n in range(20, 60))) == list(
            range(40, 120, 2)
        )
        assert 40 in {len(group) for group in doubler.groups}  # a doubler is quick
        doubler.groups.clear()
        assert await asyncio.gather(*(submit(workers, task(n)) for n in range(20, 60))) == list(
            range(40, 120, 2)
        )
        assert len(doubler.groups) > 6  # and then it was not
        assert doubler.threads == {threading.get_ident()}

    run(main)


def test_a_listener_that_fails_takes_nothing_from_the_others() -> None:
    doubler, told = Doubler(), []

    def fail(outcome: int | BaseException) -> None:
        raise LookupError(outcome)

    async def main(make: Callable[..., Numbers]) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        workers = make()
        workers.allow_inline()
        await trusted(workers, doubler)
        workers.submit(Task(doubler.run, 1, fail, doubler.joined, small=True))
        assert await submit(workers, doubler.task(2)) == 4

    run(main)
    assert [error.args for error in told] == [(2,)]


def trusted(workers: Numbers, doubler: Doubler) -> Awaitable[Any]:
    async def warm() -> None:
        for number in range(40):
            await submit(workers, doubler.task(number))

    return warm()


def test_small_tasks_move_to_the_loop_once_they_are_quick() -> None:
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make()
        await trusted(workers, doubler)
        assert threading.get_ident() not in doubler.threads  # not allowed yet
        assert workers.do_now(doubler.run, 21) is None
        workers.allow_inline()
        assert workers.do_now(doubler.run, 21) == 42
        assert threading.get_ident() in doubler.threads
        doubler.groups.clear()
        assert await asyncio.gather(*(submit(workers, doubler.task(n)) for n in range(3))) == [0, 2, 4]
        assert doubler.groups == [[0, 1, 2]]

    run(main)


def test_nothing_runs_on_the_loop_beside_a_thread_that_works() -> None:
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make()
        workers.allow_inline()
        await trusted(workers, doubler)
        doubler.threads.clear()
        small = submit(workers, doubler.task(1))  # would run on the loop, in its next turn
        large = submit(workers, doubler.task(-1, joins=False, small=False))
        other = submit(workers, doubler.task(2))
        assert workers.do_now(doubler.run, 3) is None
        await asyncio.sleep(0.05)
        assert doubler.groups[-2:] == [[1], [-1]]
        assert threading.get_ident() not in doubler.threads
        doubler.go.set()
        assert await asyncio.gather(small, large, other) == [2, -2, 4]
        assert threading.get_ident() in doubler.threads  # once the thread has nothing to do

    run(main)


def test_a_larger_task_that_is_asked_for_between_small_ones_has_none_of_them_beside_it() -> None:
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make()
        workers.allow_inline()
        await trusted(workers, doubler)
        doubler.threads.clear()
        large = asyncio.get_running_loop().create_future()

        def ask_for_more(outcome: int | BaseException) -> None:
            assert outcome == 2
            workers.submit(Task(doubler.run, -1, large.set_result))

        workers.submit(Task(doubler.run, 1, ask_for_more, small=True))
        small = submit(workers, doubler.task(2, joins=False))
        await asyncio.sleep(0.05)
        assert doubler.groups[-3:] == [[1], [2], [-1]]  # what came before the larger one is done before it
        doubler.go.set()
        assert await asyncio.gather(large, small) == [-2, 4]

    run(main)


def test_small_tasks_move_to_the_loop_under_load_too() -> None:
    doubler = Doubler()

    def on_done(_outcome: int | BaseException) -> None:
        if threading.get_ident() not in doubler.threads:
            workers_of[0].submit(task())

    def task() -> Task[int, int]:
        return Task(doubler.run, 1, on_done, doubler.joined, joins=False, small=True)

    workers_of: list[Numbers] = []

    async def main(make: Callable[..., Numbers]) -> None:
        workers_of.append(make())
        workers_of[0].allow_inline()
        for _ in range(40):  # as many clients, each of which asks again when it is answered
            workers_of[0].submit(task())
        while threading.get_ident() not in doubler.threads:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)

    run(main)


class Slow:
    """Takes longer than a small task may, and notes in which thread."""

    def __init__(self) -> None:
        self.ran_in: list[int] = []

    def run(self, number: int) -> int:
        self.ran_in.append(threading.get_ident())
        time.sleep(0.006)
        return number


def test_slow_tasks_leave_the_loop_again() -> None:
    slow = Slow()

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make()
        workers.allow_inline()
        await trusted(workers, Doubler())
        for number in range(4):
            await submit(workers, Task(slow.run, number, None, small=True))
        assert slow.ran_in[0] == threading.get_ident()
        assert slow.ran_in[-1] != threading.get_ident()

    run(main)


def test_many_tasks_of_one_turn_that_are_slow_all_of_a_sudden_leave_the_loop_too() -> None:
    slow = Slow()

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make()
        workers.allow_inline()
        await trusted(workers, Doubler())
        heard = []
        futures = [submit(workers, Task(slow.run, number, None, small=True)) for number in range(9)]
        futures[0].add_done_callback(lambda _: heard.append(len(slow.ran_in)))
        assert await asyncio.gather(*futures) == list(range(9))
        assert heard[0] <= 2  # the loop hears of others meanwhile
        assert slow.ran_in[0] == threading.get_ident()
        assert threading.get_ident() not in slow.ran_in[-6:]

    run(main)


def test_what_is_given_up_before_it_began_on_the_loop_is_not_overdue_for_ever() -> None:
    counts: list[int] = []
    doubler = Doubler()

    async def main(make: Callable[..., Numbers]) -> None:
        workers = make(1, counts.append)
        workers.allow_inline()
        await trusted(workers, doubler)
        task = doubler.task(1)
        future = submit(workers, task)
        workers.give_up(task)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not future.done()

    run(main)
    assert counts == [1, 0]
