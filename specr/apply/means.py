"""What apply works with, and how a worker talks to the scheduling thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from specr.address import Address
from specr.apply.attempts import FailedAttempts
from specr.backends.protocol import Write
from specr.canonical import Json
from specr.plan.model import Change
from specr.providers.protocol import Provider
from specr.readers.protocol import ArtifactFacts
from specr.sources.protocol import Source
from specr.state.model import RecordedObject
from specr.store.protocol import Store


class Means(Struct, frozen=True):
    """Everything outside of state that changes are carried out with.

    `provider` opens a provider by its name, `source` chooses one for a reference, `read`
    tells what stored content of an artifact type says of itself. `base` is the folder
    that relative sources start from, `attempts` keeps what failed attempts have printed.
    `clock` gives seconds that never fall; `pause` waits so many seconds.
    """

    provider: Callable[[str], Provider]
    store: Callable[[], Store]
    source: Callable[[str], Source]
    read: Callable[[str, Path], ArtifactFacts | None]
    base: Path
    attempts: FailedAttempts
    clock: Callable[[], float]
    pause: Callable[[float], None]


class Desk(Protocol):
    """A worker's way to the scheduling thread: it writes and tells in the worker's stead."""

    def write(self, writes: Sequence[Write], *, durable: bool = True) -> None:
        """Write to the state and come back when that is done.

        Raises:
            JournalClosedError: the lock was lost; the worker must stop without touching anything.
        """

    def tell(self, stage: str, message: str = "") -> None:
        """Report progress."""

    def check(self) -> None:
        """Find out, while waiting, whether going on makes sense.

        Raises:
            JournalClosedError: the run has ended without this worker.
        """

    @property
    def is_stopping(self) -> bool:
        """Whether the run is to end soon: what takes long and can be left is better left."""

    def attribute(self, address: Address, name: str) -> Json:
        """An attribute of an object whose change is done.

        Raises:
            LookupError: it is not recorded.
        """


class JournalClosedError(Exception):
    """State can't be written any more: the lock was lost, or the backend failed."""


class Task(Struct, frozen=True):
    """One change to carry out.

    `recorded` is the object before it; `plan` the plan's digest; `taken_up` says that an earlier
    apply began the same.
    """

    change: Change
    recorded: RecordedObject | None
    plan: str
    means: Means
    desk: Desk
    taken_up: bool = False

    def beginning(self, words: str) -> str:
        """What to tell of the making of an object that is begun in these words."""
        return "taking up what an earlier apply began" if self.taken_up else words
