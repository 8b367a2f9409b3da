"""States and values to test backends with. Importing this needs no pytest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from specr.address import Address
from specr.backends.protocol import Backend, Lease, StartRun
from specr.canonical import digest_of, encode_json
from specr.state.codec import encode_state
from specr.state.model import ObjectRef, Pending, RecordedObject, State

E = TypeVar("E", bound=Exception)

OpenAt = Callable[[Callable[[], float]], Backend]
"""Opens one more backend over the same state. Its argument is the clock that the backend is to use."""


class SettableClock:
    """A clock that tests set: seconds since 1970."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now


class Site:
    """One state that does not exist yet, and the backends opened over it."""

    def __init__(self, open_at: OpenAt, opened: ExitStack) -> None:
        self.clock = SettableClock()
        self._open_at = open_at
        self._opened = opened

    def backend(self) -> Backend:
        """One more backend, closed at the end of the test."""
        backend = self._open_at(self.clock)
        self._opened.callback(backend.close)
        return backend

    def locked(self, *, seconds: float = 60) -> tuple[Backend, Lease]:
        """One more backend, holding the lock."""
        backend = self.backend()
        return backend, backend.lock(holder="ann", operation="apply", seconds=seconds)


def make_object(name: str, **arguments: object) -> RecordedObject:
    """A sound record with these arguments."""
    return RecordedObject(Address("runtime", name), arguments, {"made": name}, digest_of(arguments))


def make_pending(name: str) -> Pending:
    """A sound intent to create a deployment."""
    address = Address("deployment", name)
    left = ObjectRef(address, "local", f"{name}-0", {"pid": 7})
    return Pending(address, "create", "local", f"{name}-1", "sha256:e", "sha256:p", (left,))


def text_of(state: State) -> bytes:
    """A state as text, in which 1, 1.0 and True differ."""
    return encode_json(encode_state(state))


@contextmanager
def refused(error: type[E]) -> Iterator[list[E]]:
    """See that a block raises this error, and put it into the list."""
    caught: list[E] = []
    try:
        yield caught
    except error as expected:
        caught.append(expected)
        return
    raise AssertionError(f"{error.__name__} was not raised")


def files_in(place: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes."""
    found = (path for path in place.rglob("*") if path.is_file())
    return {str(path.relative_to(place)): path.read_bytes() for path in found}


START = StartRun("apply", "sha256:p", "ann")


class BackendTests(ABC):
    """What all suites need of a backend's author."""

    @abstractmethod
    def opener(self, place: Path) -> OpenAt:
        """What opens backends over one state that does not exist yet.

        `place` is an empty folder of this state's own, for those that need one.
        """

    @contextmanager
    def site(self, place: Path) -> Iterator[Site]:
        """A new state for one test."""
        place.mkdir(exist_ok=True)
        with ExitStack() as opened:
            yield Site(self.opener(place), opened)
