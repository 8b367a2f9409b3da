"""What backends promise to several processes, and to those that find one killed.

Processes are started afresh, so what they run lies at the top of this module.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from specr.backends.protocol import Backend, LockHeldError, Put
from specr.state.checks import check_state
from specr.state.model import State
from specr.testing.backend_site import BackendTests, OpenAt, make_object

_SPAWN: Final = multiprocessing.get_context("spawn")
_WORKERS: Final = 3
_TURNS: Final = 8
_KILLS: Final = 5
_OBJECTS: Final = 20
_LONG: Final = 60.0  # seconds: the limit for what takes a fraction of one


class ProcessPromises(BackendTests):
    """Several processes over one state, with the real clock."""

    def test_processes_that_begin_together_make_one_state(self, tmp_path: Path) -> None:
        """Whoever comes first makes it; the others find it."""
        open_at = self.opener(tmp_path)
        lineages = _SPAWN.SimpleQueue()
        gate = _SPAWN.Barrier(_WORKERS)
        workers = [_start(_begin, open_at, gate, lineages) for _ in range(_WORKERS)]
        found = {lineages.get() for _ in workers}
        _join(workers)
        backend = open_at(time.time)
        assert found == {backend.read().lineage}
        backend.close()

    def test_processes_take_turns_and_lose_nothing(self, tmp_path: Path) -> None:
        """Each adds one to a number under the lock; in the end all additions are there."""
        open_at = self.opener(tmp_path)
        workers = [_start(_count, open_at) for _ in range(_WORKERS)]
        _join(workers)
        backend = open_at(time.time)
        state = backend.read()
        assert state.serial == _WORKERS * _TURNS
        assert _numbers(state) == {_WORKERS * _TURNS}
        assert backend.lock_info() is None
        backend.close()

    def test_a_killed_writer_leaves_whole_transactions(self, tmp_path: Path) -> None:
        """And all that it was told were written: the serial never falls behind what it knew."""
        open_at = self.opener(tmp_path)
        known = 0
        for kill in range(_KILLS):
            told = _SPAWN.Value("q", known, lock=False)
            worker = _start(_write_on, open_at, told)
            # A different number of writes each time, so that kills fall on different moments.
            _wait_for(worker, told, known + 3 + 17 * kill)
            worker.kill()
            worker.join(_LONG)
            backend = open_at(time.time)
            state = backend.read()
            assert state.serial in (told.value, told.value + 1)
            assert _numbers(state) == {state.serial}
            assert len(state.objects) == _OBJECTS
            assert _numbers(backend.at(known)) <= {known}
            assert not check_state(state)
            held = backend.lock_info()
            assert held is not None
            assert backend.break_lock(held.id)
            known = state.serial
            backend.close()


def _start(run: Any, *args: object) -> SpawnProcess:
    process = _SPAWN.Process(target=run, args=args, daemon=True)
    process.start()
    return process


def _join(workers: list[SpawnProcess]) -> None:
    for worker in workers:
        worker.join(_LONG)
        assert worker.exitcode == 0


def _wait_for(worker: SpawnProcess, told: Any, serial: int) -> None:
    deadline = time.monotonic() + _LONG
    while told.value < serial:
        assert worker.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _numbers(state: State) -> set[int]:
    return {entry.arguments["number"] for entry in state.objects.values()}


def _begin(open_at: OpenAt, gate: Any, lineages: Any) -> None:
    backend = open_at(time.time)
    gate.wait(_LONG)
    lineages.put(backend.ensure().lineage)
    backend.close()


def _count(open_at: OpenAt) -> None:
    backend = open_at(time.time)
    for _ in range(_TURNS):
        _count_once(backend)
    backend.close()


def _count_once(backend: Backend) -> None:
    while True:
        try:
            lease = backend.lock(holder="worker", operation="count", seconds=_LONG)
            break
        except LockHeldError:
            time.sleep(0.001)
    state = backend.read()
    number = max(_numbers(state), default=0) + 1
    backend.write(lease, state.serial, [Put(make_object("counter", number=number))], durable=False)
    backend.release(lease)


def _write_on(open_at: OpenAt, told: Any) -> None:
    """Write until killed; `told` is the serial that was last reported as written."""
    backend = open_at(time.time)
    lease = backend.lock(holder="doomed", operation="write", seconds=_LONG)
    serial = backend.read().serial
    while True:
        batch = [Put(make_object(f"r{n}", number=serial + 1)) for n in range(_OBJECTS)]
        serial = backend.write(lease, serial, batch, durable=serial % 10 == 0)
        told.value = serial
