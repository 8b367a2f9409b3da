"""What a run that never finished reads as, by what is left of its lock."""

from __future__ import annotations

import os
import subprocess
import time

from specr.backends.memory import MemoryBackend, MemoryState
from specr.backends.protocol import FinishRun, Lease, StartRun
from specr.workflow.history import History, load_history
from specr.workflow.lease import holder_name

ELSEWHERE = "ada@elsewhere (pid 7, machine 00000000)"


def begun(state: MemoryState, holder: str, *, age: float = 0.0) -> tuple[MemoryBackend, Lease]:
    """A backend where a run was started so many seconds ago, under a lock of 60 seconds."""
    moment = time.time() - age
    backend = MemoryBackend(state, lambda: moment)
    lease = backend.lock(holder=holder, operation="apply", seconds=60)
    backend.write(lease, 0, [StartRun("apply", "sha256:1", "ada@here")])
    return backend, lease


def status(history: History) -> str:
    return history.runs[-1].status


def test_a_run_whose_process_lives_is_running() -> None:
    backend, _ = begun(MemoryState(), holder_name())
    history = load_history(backend)
    assert (status(history), history.silent_since) == ("running", "")


def test_a_run_whose_process_is_gone_was_interrupted() -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    backend, _ = begun(MemoryState(), holder_name().replace(f"pid {os.getpid()}", f"pid {dead.pid}"))
    history = load_history(backend)
    assert (status(history), history.runs[-1].finished) == ("interrupted", "")


def test_a_run_without_a_lock_was_interrupted() -> None:
    backend, lease = begun(MemoryState(), ELSEWHERE)
    assert status(load_history(backend)) == "running"
    backend.break_lock(lease.info.id)
    assert status(load_history(backend)) == "interrupted"


def test_a_lock_that_was_taken_later_is_not_the_runs() -> None:
    state = MemoryState()
    begun(state, ELSEWHERE, age=100)
    later = MemoryBackend(state)
    later.lock(holder=holder_name(), operation="gc", seconds=60)
    assert status(load_history(later)) == "interrupted"


def test_a_run_that_can_not_be_looked_at_is_told_as_silent() -> None:
    backend, lease = begun(MemoryState(), ELSEWHERE, age=100)
    history = load_history(backend)
    assert (status(history), history.silent_since) == ("running", lease.info.expires)


def test_a_run_that_ends_while_it_is_looked_at_has_ended() -> None:
    class Ending(MemoryBackend):
        """The run ends between two looks at it."""

        def lock_info(self) -> None:
            self.write(lease, 1, [FinishRun("succeeded", {})])
            self.release(lease)

    state = MemoryState()
    _, lease = begun(state, ELSEWHERE)
    assert status(load_history(Ending(state))) == "succeeded"
