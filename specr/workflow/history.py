"""History: what was applied, and whether what reads as running still does.

A process that dies closes no entry. State learns of it when the next run starts; whoever asks
before that is told what the lock tells.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from specr.backends.lease import milliseconds_text
from specr.state.model import Run
from specr.workflow.lease import is_dead

if TYPE_CHECKING:
    from specr.backends.protocol import Backend, LockInfo


_SECONDS: Final = len("2026-11-21T10:00:00")
"""Characters of a moment, down to its seconds."""


class History(NamedTuple):
    """All runs, oldest first.

    The newest reads as `interrupted`, without a time of finishing, where its process is gone for
    certain. `silent_since` says of one that may be running (UTC, ISO 8601) that it let its lease run
    out then: it hangs, its machine sleeps, or it died where it can't be looked at.
    """

    runs: Sequence[Run]
    silent_since: str = ""


def load_history(backend: Backend) -> History:
    """The history, with what is known of a run that has not finished."""
    runs = backend.history()
    if not runs or runs[-1].status != "running":
        return History(runs)
    lock = backend.lock_info()
    if lock is not None and _may_belong(lock, runs[-1]) and not is_dead(lock.holder):
        late = lock.expires if lock.expires < milliseconds_text(time.time()) else ""
        return History(runs, late)
    # A run closes its entry before it gives the lock back: it may have ended since the first look.
    number = runs[-1].number
    return History([_ended(run) if run.number == number else run for run in backend.history()])


def _ended(run: Run) -> Run:
    return replace(run, status="interrupted") if run.status == "running" else run


def _may_belong(lock: LockInfo, run: Run) -> bool:
    """Whether a lock may be the one that a run holds; one that was taken later is another's.

    Runs start under their lock, and are dated to the second.
    """
    return lock.acquired[:_SECONDS] <= run.started[:_SECONDS]
