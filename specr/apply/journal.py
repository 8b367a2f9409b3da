"""The journal: the one place that apply writes state through, while it holds the lock.

It keeps the serial and a current view of recorded objects beside the backend. Only the
scheduling thread writes; workers read the view, for objects whose change is done.
"""

from __future__ import annotations

from collections.abc import Sequence

from specr.address import Address
from specr.backends.protocol import (
    Backend,
    Begin,
    Lease,
    Put,
    Remove,
    Settle,
    Write,
)
from specr.plan.model import Change
from specr.state.model import RecordedObject, State


class Journal:
    """Writes to one backend under one lease.

    `lease` may be renewed from outside; each write uses the newest.
    """

    def __init__(self, backend: Backend, lease: Lease, state: State) -> None:
        self._backend = backend
        self.lease = lease
        self.lineage = state.lineage
        self._serial = state.serial
        self._objects = dict(state.objects)
        self._pending = dict(state.pending)

    @property
    def state(self) -> State:
        """What is recorded now, as far as this journal knows: nobody else can write."""
        return State(self.lineage, self._serial, dict(self._objects), dict(self._pending))

    def recorded(self, address: Address) -> RecordedObject | None:
        """The object as recorded now."""
        return self._objects.get(address)

    def takes_up(self, change: Change) -> bool:
        """Whether a change goes on with what an earlier apply began, which may be there already."""
        pending = self._pending.get(change.address)
        return pending is not None and pending.token == change.token != ""

    def write(self, writes: Sequence[Write], *, durable: bool) -> None:
        """Carry out writes in one transaction.

        Raises:
            LeaseLostError, SerialConflictError: nothing was written, and nothing may be any more.
        """
        needed = [w for w in writes if not (isinstance(w, Settle) and w.address not in self._pending)]
        self._serial = self._backend.write(self.lease, self._serial, needed, durable=durable)
        for write in writes:
            match write:
                case Put(recorded):
                    self._objects[recorded.address] = recorded
                case Remove(address):
                    self._objects.pop(address, None)
                case Begin(pending):
                    self._pending[pending.address] = pending
                case Settle(address):
                    self._pending.pop(address, None)
                case _:
                    pass
