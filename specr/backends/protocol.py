"""What every backend promises: where state is kept, one small transaction a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from specr.address import Address
from specr.state.model import Pending, RecordedObject, Run, State


class Put(Struct, frozen=True):
    """Record an object as it is now."""

    recorded: RecordedObject


class Remove(Struct, frozen=True):
    """Record that an object is gone. Removing what is not recorded is no error."""

    address: Address


class Begin(Struct, frozen=True):
    """Record an intent, over an earlier one for the same address if there is one."""

    pending: Pending


class Settle(Struct, frozen=True):
    """Record that nothing is pending for an address any more."""

    address: Address


class StartRun(Struct, frozen=True):
    """Open an entry of the history; it takes the next number."""

    operation: str
    plan: str
    actor: str


class Done(Struct, frozen=True):
    """Note that the running run has carried out its change for an address."""

    address: Address


class FinishRun(Struct, frozen=True):
    """Close the running entry of the history as `succeeded`, `failed` or `interrupted`."""

    status: str
    summary: Mapping[str, int]


Write = Put | Remove | Begin | Settle | StartRun | Done | FinishRun


class LockInfo(Struct, frozen=True):
    """Who holds the lock. Times are UTC, in ISO 8601 with milliseconds."""

    id: str
    holder: str
    operation: str
    acquired: str
    expires: str


class Lease(Struct, frozen=True):
    """The lock as its holder knows it. `fence` grows with every lease ever given."""

    info: LockInfo
    fence: int


class LockHeldError(Exception):
    """Someone else holds the lock. Retry later, or break the lock if its holder is dead."""

    def __init__(self, info: LockInfo) -> None:
        super().__init__(f"the state is locked by {info.holder} ({info.operation}, since {info.acquired})")
        self.info = info


class LeaseLostError(Exception):
    """The lease ran out or was broken; whatever was not written is not to be written."""


class SerialConflictError(Exception):
    """The state has another serial than the writer saw. Nothing was written."""

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"the state is at serial {found}, not {expected}")
        self.expected = expected
        self.found = found


class Backend(Protocol):
    """Keeps state. Safe for several processes; each method is one transaction.

    Calls on one backend object come from one thread, but for `renew`, which a heartbeat
    thread calls. A process may die at any point of any method: afterwards the method
    has either happened or not.

    Raises DiagnosticError where the state can't be read: not a state, damaged, of a
    newer format, no permission, disk full.
    """

    def read(self) -> State:
        """One consistent snapshot; takes no lock and never waits for writers.

        A state that does not exist yet reads as empty, with serial 0 and lineage "", and
        is not created by reading.
        """

    def ensure(self) -> State:
        """Create the state with a new lineage if it does not exist, and read it."""

    def lock(self, *, holder: str, operation: str, seconds: float) -> Lease:
        """Take the lock for so many seconds; an expired lease of another is taken over.

        Creates the state if it does not exist, as `ensure` does.

        Raises:
            LockHeldError: someone else holds it.
        """

    def renew(self, lease: Lease, *, seconds: float) -> Lease:
        """Extend a lease from now on; also one that ran out, as long as nobody took it.

        The lease given keeps allowing what the new one allows: both have the same fence.

        Raises:
            LeaseLostError: it ran out and was taken, or was broken or released.
        """

    def release(self, lease: Lease) -> None:
        """Give the lock back. A lost lease is no error: there is nothing left to give back."""

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock, an expired lease included; None if nobody."""

    def break_lock(self, lock_id: str) -> bool:
        """Take the lock away from its holder, if its id is still this one."""

    def write(self, lease: Lease, expected: int, writes: Sequence[Write], *, durable: bool = True) -> int:
        """Carry out writes, in order, in one transaction, and return the new serial, `expected + 1`.

        `durable` writes survive a power cut once this returns. Others survive the death of
        the process, and a later durable write carries them along.

        Raises:
            LeaseLostError: the lease is not current, or ran out, whether or not it was taken.
            SerialConflictError: the state's serial is not `expected`.
            ValueError: no run is running where one is needed, or a field has not its type.
            TypeError: something is not JSON.
        """

    def history(self) -> Sequence[Run]:
        """All runs, oldest first.

        A run whose process died reads as `interrupted` once a later run has started, and
        as `running` before. Such a run ends with the serial that the later one started from,
        and has no time of finishing, since nobody saw it.
        """

    def at(self, serial: int) -> State:
        """The objects as they were at an earlier serial, without pending records and runs.

        Raises:
            LookupError: there was no such serial.
        """

    def close(self) -> None:
        """Let go of files and connections. The object can't be used afterwards."""
