"""What passes between the scheduling thread and its workers: messages in one inbox, and a desk each."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from msgspec import Struct

from specr.address import Address
from specr.apply.events import Outcome, StepProgress
from specr.apply.journal import Journal
from specr.apply.means import JournalClosedError
from specr.backends.protocol import Write
from specr.canonical import Json
from specr.plan.model import Change


class WriteRequest(Struct, frozen=True):
    """A worker asks the scheduling thread to write, and waits for `done`."""

    writes: Sequence[Write]
    durable: bool
    done: Future[None]


class Finished(Struct, frozen=True):
    """A worker has come to the end of its change."""

    outcome: Outcome


class Died(Struct, frozen=True):
    """A worker ended by something that is no error of its change, such as SystemExit."""

    change: Change
    error: BaseException


Message = WriteRequest | Finished | Died | StepProgress


class WorkerDesk:
    """One worker's Desk: everything goes through the scheduling thread's inbox.

    `is_open` says whether the run still goes on, `stopping` whether it is to end soon. Its methods
    promise what those of `Desk` do.
    """

    def __init__(
        self,
        address: Address,
        inbox: queue.SimpleQueue[Message],
        journal: Journal,
        is_open: Callable[[], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self._address = address
        self._inbox = inbox
        self._journal = journal
        self._is_open = is_open
        self._stopping = stopping

    def check(self) -> None:
        """Find out whether going on makes sense."""
        if not self._is_open():
            raise JournalClosedError("the run has ended")

    @property
    def is_stopping(self) -> bool:
        """Whether the run is to end soon."""
        return self._stopping()

    def write(self, writes: Sequence[Write], *, durable: bool = True) -> None:
        """Ask for a write, and wait for it."""
        done: Future[None] = Future()
        self._inbox.put(WriteRequest(writes, durable, done))
        done.result()

    def tell(self, stage: str, message: str = "") -> None:
        """Report progress."""
        self._inbox.put(StepProgress(self._address, stage, message))

    def attribute(self, address: Address, name: str) -> Json:
        """An attribute of an object whose change is done."""
        recorded = self._journal.recorded(address)
        if recorded is None or name not in recorded.attributes:
            raise LookupError(f"{address} has no attribute {name}")
        return recorded.attributes[name]
