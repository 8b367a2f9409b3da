"""Writing what a transaction changes into a state's tables. `sqlite_rows` reads them.

Works on open connections, inside a transaction of the caller's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from specr.backends.changeset import Changeset, pending_body, recorded_body, run_body


def store_changes(connection: sqlite3.Connection, changes: Changeset, serial: int) -> None:
    """Carry a transaction out and give the state its new serial.

    Raises:
        TypeError, ValueError: something can't be recorded; the transaction must be rolled back.
    """
    objects = [
        (str(address), None if entry is None else recorded_body(entry))
        for address, entry in changes.objects.items()
    ]
    pending = [
        (str(address), None if entry is None else pending_body(entry))
        for address, entry in changes.pending.items()
    ]
    _store_bodies(connection, "objects", objects)
    _store_bodies(connection, "pending", pending)
    _each(connection, "INSERT INTO changes VALUES (?, ?, ?)", [(serial, *entry) for entry in objects])
    runs = [(number, run_body(run)) for number, run in changes.runs.items()]
    _each(connection, "INSERT OR REPLACE INTO runs VALUES (?, ?)", runs)
    done = [(number, str(address)) for number, address in changes.done]
    _each(connection, "INSERT OR IGNORE INTO done VALUES (?, ?)", done)
    connection.execute("UPDATE meta SET serial = ?", (serial,))


def _store_bodies(
    connection: sqlite3.Connection, table: str, entries: Sequence[tuple[str, bytes | None]]
) -> None:
    present = [entry for entry in entries if entry[1] is not None]
    absent = [entry[:1] for entry in entries if entry[1] is None]
    _each(connection, f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", present)  # noqa: S608 # our own names
    _each(connection, f"DELETE FROM {table} WHERE address = ?", absent)  # noqa: S608 # our own names


def _each(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        connection.executemany(statement, rows)
