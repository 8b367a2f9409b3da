"""State in memory: gone with the process. For trying specr out, and for tests.

It must keep every promise of the protocol but that of outliving the process.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from specr.address import Address
from specr.backends.changeset import Changeset, fold_writes, pending_body, recorded_body, run_body
from specr.backends.lease import Held, check_lease, extend, grant, seconds_text
from specr.backends.protocol import Lease, LockInfo, SerialConflictError, Write
from specr.canonical import decode_json
from specr.state.codec import decode_pending, decode_recorded, decode_run
from specr.state.model import Pending, RecordedObject, Run, State

T = TypeVar("T")


class MemoryState(Struct):
    """One state, to be shared by several backends. Only they look inside, under the mutex."""

    mutex: Lock = field(default_factory=Lock)
    lineage: str = ""
    fence: int = 0
    held: Held | None = None
    objects: dict[Address, RecordedObject] = field(default_factory=dict)
    pending: dict[Address, Pending] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    done: dict[int, set[Address]] = field(default_factory=dict)
    changes: list[Mapping[Address, RecordedObject | None]] = field(default_factory=list)
    """Those of serial 1 first; so its length is the serial."""

    def run(self, number: int) -> Run:
        """One run as it is now."""
        run = self.runs[number]
        last = len(self.changes) if run.status == "running" else run.last
        return replace(run, last=last, done=frozenset(self.done.get(number, ())))

    def newest(self) -> Run | None:
        """The newest run as it is now. Runs are numbered from 1 without gaps."""
        return self.run(len(self.runs)) if self.runs else None

    def take_in(self, changes: Changeset) -> None:
        """Carry out a transaction. Nothing here can fail half-way."""
        _update(self.objects, changes.objects)
        _update(self.pending, changes.pending)
        self.runs.update(changes.runs)
        for number, address in changes.done:
            self.done.setdefault(number, set()).add(address)
        self.changes.append(changes.objects)


class MemoryBackend:
    """A backend over a MemoryState.

    Args:
        state: what it keeps; backends over the same one see each other's writes.
        clock: the time in seconds since 1970.
    """

    def __init__(self, state: MemoryState, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def read(self) -> State:
        """See `Backend.read`."""
        with self._state.mutex:
            return self._snapshot()

    def ensure(self) -> State:
        """See `Backend.ensure`."""
        with self._state.mutex:
            self._create()
            return self._snapshot()

    def lock(self, *, holder: str, operation: str, seconds: float) -> Lease:
        """See `Backend.lock`."""
        with self._state.mutex:
            state = self._state
            self._create()
            held = grant(
                state.held,
                holder=holder,
                operation=operation,
                seconds=seconds,
                now=self._clock(),
                fence=state.fence + 1,
            )
            state.held, state.fence = held, held.fence
            return held.lease

    def renew(self, lease: Lease, *, seconds: float) -> Lease:
        """See `Backend.renew`."""
        with self._state.mutex:
            self._state.held = extend(self._state.held, lease, seconds=seconds, now=self._clock())
            return self._state.held.lease

    def release(self, lease: Lease) -> None:
        """See `Backend.release`."""
        with self._state.mutex:
            held = self._state.held
            if held is not None and held.is_of(lease):
                self._state.held = None

    def lock_info(self) -> LockInfo | None:
        """See `Backend.lock_info`."""
        with self._state.mutex:
            return None if self._state.held is None else self._state.held.info

    def break_lock(self, lock_id: str) -> bool:
        """See `Backend.break_lock`."""
        with self._state.mutex:
            held = self._state.held
            if held is None or held.id != lock_id:
                return False
            self._state.held = None
            return True

    def write(self, lease: Lease, expected: int, writes: Sequence[Write], *, durable: bool = True) -> int:
        """See `Backend.write`."""
        del durable  # nothing here outlives the process
        with self._state.mutex:
            state = self._state
            now = self._clock()
            check_lease(state.held, lease, now=now)
            found = len(state.changes)
            if found != expected:
                raise SerialConflictError(expected=expected, found=found)
            newest = state.newest()
            changes = fold_writes(writes, newest, serial=found, now=seconds_text(now))
            state.take_in(_through_json(changes))
            return found + 1

    def history(self) -> Sequence[Run]:
        """See `Backend.history`."""
        with self._state.mutex:
            return tuple(self._state.run(number) for number in sorted(self._state.runs))

    def at(self, serial: int) -> State:
        """See `Backend.at`."""
        with self._state.mutex:
            if not 0 <= serial <= len(self._state.changes):
                raise LookupError(f"there is no serial {serial}")
            objects: dict[Address, RecordedObject] = {}
            for changed in self._state.changes[:serial]:
                _update(objects, changed)
            return State(self._state.lineage, serial, objects)

    def close(self) -> None:
        """See `Backend.close`."""

    def _create(self) -> None:
        self._state.lineage = self._state.lineage or str(uuid.uuid4())

    def _snapshot(self) -> State:
        state = self._state
        return State(
            state.lineage,
            len(state.changes),
            dict(state.objects),
            dict(state.pending),
            state.newest(),
        )


def _update(kept: dict[Address, T], changed: Mapping[Address, T | None]) -> None:
    for address, entry in changed.items():
        if entry is None:
            kept.pop(address, None)
        else:
            kept[address] = entry


def _through_json(changes: Changeset) -> Changeset:
    """The same values as other backends would give back: theirs go through text.

    Raises:
        TypeError, ValueError: something can't be recorded.
    """
    return replace(
        changes,
        objects={
            address: None if entry is None else decode_recorded(decode_json(recorded_body(entry)))
            for address, entry in changes.objects.items()
        },
        pending={
            address: None if entry is None else decode_pending(decode_json(pending_body(entry)))
            for address, entry in changes.pending.items()
        },
        runs={number: decode_run(decode_json(run_body(run))) for number, run in changes.runs.items()},
    )
