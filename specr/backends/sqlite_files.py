"""Opening a state file: to write it, and to read it without leaving a trace.

Nothing here knows what the tables hold. No state file is ever opened but through SQLite
while this process may have it open: closing any other handle of it would drop SQLite's locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
import time
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from specr.backends.sqlite_errors import no_shared_log, upgrade_blocked
from specr.backends.sqlite_format import (
    EmptyFileError,
    ForeignFileError,
    create_tables,
    find_format,
    read_held,
    upgrade_tables,
)
from specr.state.codec import DamagedStateError
from specr.state.model import FORMAT_VERSION
from specr.workfolder import ensure_work_folder

T = TypeVar("T")
Fetch = Callable[[sqlite3.Connection], T]
"""Takes rows out of a state of today's format, inside a transaction."""

BUSY_SECONDS: Final = 10.0
"""How long a writer waits for another one's transaction. Each takes milliseconds."""

_LOGS: Final = ("-wal", "-journal")
_ATTEMPTS: Final = 20
_NO_SHARED_READING: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_NO_INDEX: Final = frozenset({sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE})
"""The log's index can't be made, as on a full disk; never where this process has it already."""


class _MovedError(Exception):
    """The file changed while it was read."""


def read_snapshot(path: Path, fetch: Fetch[T]) -> T | None:
    """Fetch rows from one consistent snapshot; None where no state was made yet.

    Nothing is created, changed or locked in a file that nobody has open, and nobody who
    writes is kept waiting:

    - With no log beside it the file is whole and lies still. It is read as immutable, since
      SQLite would else create a log, and afterwards seen to be the same still.
    - With a log beside it someone is writing, or died. SQLite finds the newest commit in the
      log; it may rebuild the index of the log (`-shm`), but never moves the log into the file.
    - Where SQLite can't do that, for want of permission in the folder or of space on the disk,
      or since making the file was cut short, a copy of the files is read elsewhere.

    Args:
        path: the state's file, absolute.
        fetch: may be called more than once.

    Raises:
        sqlite3.Error, OSError: the file can't be read.
        ForeignFileError, DamagedStateError: it is no state, or none that this specr can read.
    """
    for _ in range(_ATTEMPTS):
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise ForeignFileError("it is a folder, or no file at all")
        if status.st_size <= 1:  # of a single byte SQLite makes an empty database, too
            raise EmptyFileError
        try:
            return _read_shared(path, fetch) if _has_log(path) else _read_still(path, fetch)
        except (_MovedError, FileNotFoundError):
            continue
    raise OSError(errno.EBUSY, "the file kept changing while it was read", str(path))


def open_writable(path: Path, *, create: bool, now: float) -> sqlite3.Connection | None:
    """Open a state for writing, in today's format; None where there is none and none is to be made.

    A state of an older format is upgraded, after a copy of it was put beside the file.

    Args:
        path: the state's file, absolute.
        create: whether to make an empty state where there is none yet.
        now: the time in seconds since 1970, to tell whether the lock is held.

    Raises:
        DiagnosticError: the file system can't keep a state, or an upgrade is needed and the lock held.
        sqlite3.Error, OSError, ForeignFileError, DamagedStateError: as for `read_snapshot`.
    """
    is_made = read_snapshot(path, lambda _: True)  # refuses what is not ours before touching it
    if not is_made:
        if not create:
            return None
        ensure_work_folder(path.parent)
        _make(Path(os.path.realpath(path)), now)
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if not is_made:
            path.chmod(0o600)  # arguments and attributes are nobody else's business
        _use_log(connection, path)
        _prepare(connection, path, now)
    except BaseException:
        connection.close()
        raise
    return connection


def _has_log(path: Path) -> bool:
    return any(os.path.lexists(f"{path}{suffix}") for suffix in _LOGS)


def _signature(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _connect(path: Path, options: str) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _read_still(path: Path, fetch: Fetch[T]) -> T | None:
    """Read a file that nobody has open, without locks.

    Whoever writes makes a log first, removes it last, and changes the head in between. So
    a file without a log after reading, whose head is then what it was, was whole all along.
    """
    before = _signature(path)
    still = "mode=ro&immutable=1"
    try:
        with closing(_connect(path, still)) as connection:
            head = _head(connection)
            found = _fetch(connection, fetch)
    except (sqlite3.Error, DamagedStateError, ForeignFileError) as error:
        if _has_log(path) or _signature(path) != before:
            raise _MovedError from error
        raise
    if _has_log(path) or _signature(path) != before:
        raise _MovedError
    try:
        with closing(_connect(path, still)) as connection:
            if _head(connection) != head:
                raise _MovedError
    except sqlite3.Error as error:
        raise _MovedError from error
    return found


def _head(connection: sqlite3.Connection) -> object:
    """What every write of content changes; None before the first."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return None
    return connection.execute("SELECT * FROM meta").fetchall()


def _read_shared(path: Path, fetch: Fetch[T]) -> T | None:
    try:
        with closing(_connect(path, "mode=ro")) as connection:
            return _fetch(connection, fetch)
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF not in _NO_SHARED_READING and code not in _NO_INDEX:
            raise
    return _read_copy(path, fetch)


def _read_copy(path: Path, fetch: Fetch[T]) -> T | None:
    """Read a copy. This process can't have the file open with locks: that has just failed."""
    import shutil  # noqa: PLC0415 - hardly any read needs a copy
    import tempfile  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory(prefix="specr-") as folder:
        copy = Path(folder, path.name)
        files = [path, *filter(Path.exists, (Path(f"{path}{suffix}") for suffix in _LOGS))]
        before = [_signature(file) for file in files]
        for file in files:
            shutil.copyfile(file, copy.with_name(file.name))
        if [_signature(file) for file in files] != before:
            raise _MovedError
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            return _fetch(connection, fetch)


def _fetch(connection: sqlite3.Connection, fetch: Fetch[T]) -> T | None:
    connection.execute("BEGIN")
    found = find_format(connection)
    if found is None:
        return None
    if found == FORMAT_VERSION:
        return fetch(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as upgraded:
        connection.backup(upgraded)
        upgrade_tables(upgraded, found)
        return fetch(upgraded)


def _make(path: Path, now: float) -> None:
    """Make an empty state under another name, and bring it to its place whole, unless something is there.

    So a file of that name is a state from the start, and one without bytes never is. A file that
    was half made at its place, as it once was done, is left for `_prepare` to complete.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # no such locks on this file system: as if nobody else made the same
            fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        draft = path.with_name(f"{path.name}.new")
        for beside in (path, draft):  # what whoever died here has left, and logs of a state that was removed
            for suffix in ("", "-shm", *_LOGS):
                Path(f"{beside}{suffix}").unlink(missing_ok=True)
        with closing(_connect(draft, "mode=rwc")) as connection:
            draft.chmod(0o600)
            _use_log(connection, path)
            _prepare(connection, draft, now)
        draft.replace(path)
        os.fsync(folder)
    finally:
        os.close(folder)


def _use_log(connection: sqlite3.Connection, path: Path) -> None:
    """Have a write-ahead log, which is what lets readers read while someone writes."""
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            # Here SQLite does not wait by itself: others may be making the same file.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise no_shared_log(path, mode)


def _prepare(connection: sqlite3.Connection, path: Path, now: float) -> None:
    """Make what is missing and upgrade what is old, in one durable transaction."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    found = find_format(connection)
    if found is None:
        create_tables(connection, str(uuid.uuid4()))
    elif found < FORMAT_VERSION:
        held = read_held(connection)
        if held is not None and now < held.expires:
            raise upgrade_blocked(path, held.info)
        _back_up(path, found)
        upgrade_tables(connection, found)
    connection.execute("COMMIT")
    if found is None:
        # So that the file alone has a lineage, should someone copy it without its log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _sync_folder(path.parent)


def _back_up(path: Path, found: int) -> None:
    """Copy the last commit to `<file>.format-<n>`, whole or not at all."""
    kept = path.with_name(f"{path.name}.format-{found}")
    unfinished = path.with_name(f"{kept.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(_connect(path, "mode=ro")) as source, closing(sqlite3.connect(unfinished)) as target:
        unfinished.chmod(0o600)
        source.backup(target)
    unfinished.replace(kept)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """See that new names in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
