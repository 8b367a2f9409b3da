"""Holding the lock: waiting for it, keeping it alive, giving it back."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from specr.backends.protocol import Backend, Lease, LeaseLostError, LockHeldError
from specr.diagnostics import Diagnostic, DiagnosticError

LEASE_SECONDS: Final = 60.0
"""How long a holder may be silent before others may take over."""

_RENEW_EVERY: Final = LEASE_SECONDS / 4
_LOOK_EVERY: Final = 0.2


def holder_name() -> str:
    """Who holds a lock, for people: user, machine and process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} (pid {os.getpid()})"


@contextmanager
def hold_lock(backend: Backend, operation: str, *, wait_seconds: float) -> Iterator[Lease]:
    """Hold the state's lock for the length of a block.

    The lease is renewed in the background; a write under a lease that was lost fails.

    Raises:
        DiagnosticError: someone else held the lock for all of `wait_seconds`.
    """
    lease = _acquire(backend, operation, wait_seconds)
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


def _acquire(backend: Backend, operation: str, wait_seconds: float) -> Lease:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return backend.lock(holder=holder_name(), operation=operation, seconds=LEASE_SECONDS)
        except LockHeldError as error:
            if time.monotonic() >= deadline:
                raise DiagnosticError(_held(error)) from error
            time.sleep(_LOOK_EVERY)


def _held(error: LockHeldError) -> Diagnostic:
    info = error.info
    return Diagnostic(
        "State is locked",
        f"{info.holder} holds the lock for `{info.operation}` since {info.acquired}, until {info.expires} "
        "if it stays silent.",
        f"Wait for it with `--lock-timeout 60s`. If that process is gone: `specr force-unlock {info.id}`.",
    )
