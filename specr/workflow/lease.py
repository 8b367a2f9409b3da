"""Holding the lock: waiting for it, keeping it alive, giving it back."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final

from specr.backends.lease import milliseconds_text
from specr.backends.protocol import Backend, Lease, LeaseLostError, LockHeldError, LockInfo
from specr.diagnostics import Diagnostic, DiagnosticError

LEASE_SECONDS: Final = 60.0
"""How long a holder may be silent before others may take over."""

_RENEW_EVERY: Final = LEASE_SECONDS / 4
_LOOK_EVERY: Final = 0.2

_PROCESS: Final = re.compile(r"\(pid (?P<pid>[0-9]+), machine (?P<machine>[0-9a-f]+)\)")


def actor_name() -> str:
    """Who runs this: user and host, for the history."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def holder_name() -> str:
    """Who holds a lock: the actor and the process for people, the machine for `is_dead`."""
    return f"{actor_name()} (pid {os.getpid()}, machine {_machine()})"


def _machine() -> str:
    """Tells apart machines, boots and containers: where a process id means the same process."""
    facts = [socket.gethostname()]
    for place in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            facts.append(str(place.readlink()) if place.is_symlink() else place.read_text())
        except OSError:  # no Linux: the host's name has to do
            continue
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def is_dead(holder: str) -> bool:
    """Whether the holder of a lock was a process of this very machine and is no more; no where in doubt.

    A wrong guess would cost nothing but the holder's run: its writes carry an older fence.
    """
    told = _PROCESS.search(holder)
    if told is None or told["machine"] != _machine():
        return False
    try:
        os.kill(int(told["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def is_alive(lock: LockInfo) -> bool:
    """Whether someone may be at work under a lock: it has not run out, its holder is not known to be gone."""
    return lock.expires >= milliseconds_text(time.time()) and not is_dead(lock.holder)


@contextmanager
def hold_lock(
    backend: Backend, operation: str, *, wait_seconds: float, stopping: Event | None = None
) -> Iterator[Lease]:
    """Hold the state's lock for the length of a block.

    Waiting for it ends early once `stopping` is set.

    The lease is renewed in the background; a write under a lease that was lost fails.

    Raises:
        DiagnosticError: someone else held the lock for all of `wait_seconds`.
    """
    lease = _acquire(backend, operation, wait_seconds, stopping or Event())
    ended = Event()
    heart = Thread(target=_beat, args=(backend, lease, ended), name="specr-lease", daemon=True)
    heart.start()
    try:
        yield lease
    finally:
        ended.set()
        heart.join()
        backend.release(lease)


def _beat(backend: Backend, lease: Lease, ended: Event) -> None:
    while not ended.wait(_RENEW_EVERY):
        try:
            backend.renew(lease, seconds=LEASE_SECONDS)
        except LeaseLostError:
            return  # the next write says so, where it can be acted on
        except DiagnosticError:
            continue  # the backend was busy or away: there is time for three more tries


def _acquire(backend: Backend, operation: str, wait_seconds: float, stopping: Event) -> Lease:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return backend.lock(holder=holder_name(), operation=operation, seconds=LEASE_SECONDS)
        except LockHeldError as error:
            if is_dead(error.info.holder):
                backend.break_lock(error.info.id)
                continue
            if stopping.is_set() or time.monotonic() >= deadline:
                raise DiagnosticError(_held(error)) from error
            stopping.wait(_LOOK_EVERY)


def _held(error: LockHeldError) -> Diagnostic:
    info = error.info
    return Diagnostic(
        "State is locked",
        f"{info.holder} holds the lock for `{info.operation}` since {info.acquired}, until {info.expires} "
        "if it stays silent.",
        f"Wait for it with `--lock-timeout 60s`. If that process is gone: `specr force-unlock {info.id}`.",
    )
