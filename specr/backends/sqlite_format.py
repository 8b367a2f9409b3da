"""How a state lies in an SQLite file: its tables, their version, and upgrades of it.

This module works on open connections. Files, locks and messages are not its business.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from specr.backends.lease import Held
from specr.state.codec import DamagedStateError, NewerStateError
from specr.state.model import FORMAT_VERSION

APPLICATION_ID: Final = 0x73706563
"""Marks a file as specr's ("spec" in ASCII), in the header field that SQLite keeps for that."""

Upgrade = Callable[[sqlite3.Connection], None]
"""Turns the tables of one format into those of the next, inside a transaction."""

UPGRADES: Final[Mapping[int, Upgrade]] = {}
"""By the format that it starts from. Each once-released format up to the last keeps its upgrade."""

_LAST_SECOND: Final = 253_402_300_799
"""The end of the year 9999, in seconds since 1970: no clock shows more, and none of it could be written."""

_TABLES: Final = (
    # In every format `meta` has one row with the column `format`, which every write of content
    # changes, and `lock` is what it is here: others look at both before they know the rest.
    """CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        format INTEGER NOT NULL,
        lineage TEXT NOT NULL,
        serial INTEGER NOT NULL,
        fence INTEGER NOT NULL)""",
    # No row means that nobody holds the lock. Times are seconds since 1970.
    """CREATE TABLE lock (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id TEXT NOT NULL,
        holder TEXT NOT NULL,
        operation TEXT NOT NULL,
        acquired REAL NOT NULL,
        expires REAL NOT NULL,
        fence INTEGER NOT NULL)""",
    # Bodies are canonical JSON.
    "CREATE TABLE objects (address TEXT NOT NULL UNIQUE, body BLOB NOT NULL)",
    "CREATE TABLE pending (address TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    # Each object that was written, in the order of serials; NULL where it was removed.
    "CREATE TABLE changes (serial INTEGER NOT NULL, address TEXT NOT NULL, body BLOB)",
    # Bodies without `done`; the `last` of a running run is the state's serial.
    "CREATE TABLE runs (number INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE done (
        run INTEGER NOT NULL,
        address TEXT NOT NULL,
        PRIMARY KEY (run, address)) WITHOUT ROWID""",
)


class ForeignFileError(Exception):
    """The file is something else; the message says what."""


class EmptyFileError(ForeignFileError):
    """The file is there and has no bytes, or a single one, as no state ever has."""


class Head(Struct, frozen=True):
    """What every transaction looks at first. `held` is the lock, run out or not."""

    lineage: str
    serial: int
    fence: int
    held: Held | None


def find_format(connection: sqlite3.Connection) -> int | None:
    """The format of the state in a file; None for a file in which nothing was made yet.

    Raises:
        ForeignFileError: the file belongs to something else.
        NewerStateError: a later specr wrote it.
        DamagedStateError: it is a state, but says nothing sensible of its format.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application or tables:
            raise ForeignFileError("it is a database of another program")
        return None
    row = connection.execute("SELECT format FROM meta").fetchone()
    found = row[0] if row else None
    if not isinstance(found, int) or found < 1:
        raise DamagedStateError("it does not say which format it has")
    if found > FORMAT_VERSION:
        raise NewerStateError(found)
    return found


def create_tables(connection: sqlite3.Connection, lineage: str) -> None:
    """Make an empty state of today's format in an empty database, inside a transaction."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES (1, ?, ?, 0, 0)", (FORMAT_VERSION, lineage))


def upgrade_tables(connection: sqlite3.Connection, found: int) -> None:
    """Bring a state of an older format to today's, one format at a time, inside a transaction."""
    for version in range(found, FORMAT_VERSION):
        UPGRADES[version](connection)
    connection.execute("UPDATE meta SET format = ?", (FORMAT_VERSION,))


def read_head(connection: sqlite3.Connection) -> Head:
    """The head of a state of today's format.

    Raises:
        NewerStateError: another process has upgraded it meanwhile.
        DamagedStateError: there is none, or it is not of the right types.
    """
    row = connection.execute(
        "SELECT m.format, m.lineage, m.serial, m.fence, "
        "l.id, l.holder, l.operation, l.acquired, l.expires, l.fence "
        "FROM meta AS m LEFT JOIN lock AS l ON l.only = 1"
    ).fetchone()
    match row:
        case (int(found), *_) if found > FORMAT_VERSION:
            raise NewerStateError(found)
        case (int(), str(lineage), int(serial), int(fence), *lock) if lineage and min(serial, fence) >= 0:
            return Head(lineage, serial, fence, _held(lock))
        case _:
            raise DamagedStateError("its head does not hold a lineage, a serial and a fence")


def read_held(connection: sqlite3.Connection) -> Held | None:
    """The lock of a state of any format."""
    query = "SELECT id, holder, operation, acquired, expires, fence FROM lock"
    row = connection.execute(query).fetchone()
    return None if row is None else _held(list(row))


def _held(row: list[object]) -> Held | None:
    match row:
        case [None, *_]:
            return None
        case [str(id_), str(holder), str(operation), float(acquired), float(expires), int(fence)] if (
            0 <= acquired <= _LAST_SECOND and 0 <= expires <= _LAST_SECOND
        ):
            return Held(id_, holder, operation, acquired, expires, fence)
        case _:
            raise DamagedStateError("its lock is not one that specr wrote")
