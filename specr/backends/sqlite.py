"""State in an SQLite file: the default backend, for one machine and any number of processes.

One write is one transaction of an SQLite file with a write-ahead log. Ordinary writes
reach the operating system, so that they outlive the process; durable ones also sync the
log, and with it all that was written to it before.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from specr.backends.lease import Held, check_lease, extend, grant, seconds_text
from specr.backends.protocol import Lease, LeaseLostError, LockInfo, SerialConflictError, Write
from specr.backends.sqlite_errors import explained, replaced_file
from specr.backends.sqlite_files import Fetch, T, open_writable, read_snapshot
from specr.backends.sqlite_format import Head, read_head
from specr.backends.sqlite_rows import (
    decode_history,
    decode_snapshot,
    fetch_history,
    fetch_newest_run,
    fetch_revision,
    fetch_state,
)
from specr.state.model import Run, State

_EMPTY = State("", 0, {})


class SqliteBackend:
    """A backend over one file. The file and its folder are made by `ensure` or `lock`.

    The lock's times come from this machine's clock; see `lease` for what happens when it
    jumps. Network file systems without POSIX locks are no place for the file.

    Args:
        path: the file.
        clock: the time in seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path.absolute()
        self._clock = clock
        self._mutex = Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._is_durable = True
        self._is_closed = False

    def read(self) -> State:
        """See `Backend.read`."""
        with explained(self._path):
            rows = self._fetch(fetch_state)
            return _EMPTY if rows is None else decode_snapshot(rows)

    def ensure(self) -> State:
        """See `Backend.ensure`."""
        with self._mutex, explained(self._path, writing=True):
            self._open(create=True)
        return self.read()

    def lock(self, *, holder: str, operation: str, seconds: float) -> Lease:
        """See `Backend.lock`."""
        with self._transaction(create=True) as begun:
            assert begun is not None
            connection, head = begun
            held = grant(
                head.held,
                holder=holder,
                operation=operation,
                seconds=seconds,
                now=self._clock(),
                fence=head.fence + 1,
            )
            connection.execute("UPDATE meta SET fence = ?", (held.fence,))
            _keep_lock(connection, held)
        return held.lease

    def renew(self, lease: Lease, *, seconds: float) -> Lease:
        """See `Backend.renew`."""
        with self._transaction() as begun:
            if begun is None:
                raise _no_state()
            connection, head = begun
            held = extend(head.held, lease, seconds=seconds, now=self._clock())
            _keep_lock(connection, held)
        return held.lease

    def release(self, lease: Lease) -> None:
        """See `Backend.release`."""
        with self._transaction() as begun:
            if begun is None:
                return
            connection, head = begun
            if head.held is not None and head.held.is_of(lease):
                connection.execute("DELETE FROM lock")

    def lock_info(self) -> LockInfo | None:
        """See `Backend.lock_info`."""
        with explained(self._path):
            head = self._fetch(read_head)
        return None if head is None or head.held is None else head.held.info

    def break_lock(self, lock_id: str) -> bool:
        """See `Backend.break_lock`."""
        with self._transaction() as begun:
            if begun is None:
                return False
            connection, head = begun
            if head.held is None or head.held.id != lock_id:
                return False
            connection.execute("DELETE FROM lock")
            return True

    def write(self, lease: Lease, expected: int, writes: Sequence[Write], *, durable: bool = True) -> int:
        """See `Backend.write`."""
        # Plans only read.
        from specr.backends.changeset import fold_writes, needs_run  # noqa: PLC0415
        from specr.backends.sqlite_changes import store_changes  # noqa: PLC0415

        with self._transaction(durable=durable) as begun:
            if begun is None:
                raise _no_state()
            connection, head = begun
            now = self._clock()
            check_lease(head.held, lease, now=now)
            if head.serial != expected:
                raise SerialConflictError(expected=expected, found=head.serial)
            newest = fetch_newest_run(connection) if needs_run(writes) else None
            changes = fold_writes(writes, newest, serial=expected, now=seconds_text(now))
            store_changes(connection, changes, expected + 1)
        return expected + 1

    def history(self) -> Sequence[Run]:
        """See `Backend.history`."""
        with explained(self._path):
            rows = self._fetch(fetch_history)
            return () if rows is None else decode_history(rows)

    def at(self, serial: int) -> State:
        """See `Backend.at`."""
        with explained(self._path):
            rows = self._fetch(lambda connection: fetch_revision(connection, serial))
            found = _EMPTY if rows is None else decode_snapshot(rows)
        if found.serial != serial:
            raise LookupError(f"there is no serial {serial}")
        return found

    def close(self) -> None:
        """See `Backend.close`."""
        with self._mutex:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _fetch(self, fetch: Fetch[T]) -> T | None:
        self._refuse_if_closed()
        return read_snapshot(self._path, fetch)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise ValueError("this backend is closed")

    def _open(self, *, create: bool) -> sqlite3.Connection | None:
        """The connection for writing, opened when first needed; None without a state."""
        self._refuse_if_closed()
        if self._connection is None:
            self._connection = open_writable(self._path, create=create, now=self._clock())
            if self._connection is not None:
                self._identity = self._find_identity()
                self._is_durable = True  # as it was opened
        elif self._find_identity() != self._identity:
            raise replaced_file(self._path)
        return self._connection

    @contextmanager
    def _transaction(
        self, *, create: bool = False, durable: bool = False
    ) -> Iterator[tuple[sqlite3.Connection, Head] | None]:
        """Let one writer in at a time and commit, or leave everything as it was; None without a state."""
        with self._mutex, explained(self._path, writing=True):
            connection = self._open(create=create)
            if connection is None:
                yield None
                return
            self._set_durable(connection, durable=durable)
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection, read_head(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _set_durable(self, connection: sqlite3.Connection, *, durable: bool) -> None:
        """Whether the next commit syncs the log. SQLite allows the change only between transactions."""
        if durable != self._is_durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._is_durable = durable

    def _find_identity(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_dev, found.st_ino)


def _keep_lock(connection: sqlite3.Connection, held: Held) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO lock VALUES (1, ?, ?, ?, ?, ?, ?)",
        (held.id, held.holder, held.operation, held.acquired, held.expires, held.fence),
    )


def _no_state() -> LeaseLostError:
    return LeaseLostError("there is no state any more")
