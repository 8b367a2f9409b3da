"""What a state's tables hold, as rows and as values. `sqlite_changes` writes them.

Reading has two steps, so that a file is looked at as briefly as can be: `fetch_*` takes
rows inside a transaction, `decode_*` makes values of them when it is over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from specr.address import Address
from specr.backends.sqlite_format import Head, read_head
from specr.canonical import decode_json
from specr.state.codec import (
    AddressBook,
    DamagedStateError,
    collection_paused,
    decode_pending,
    decode_recorded,
    decode_run,
)
from specr.state.model import Pending, RecordedObject, Run, State

T = TypeVar("T")
_Placed = TypeVar("_Placed", RecordedObject, Pending)
_Body = tuple[str, bytes]


class StateRows(Struct, frozen=True):
    """The rows of one snapshot. `done` belongs to the newest run."""

    head: Head
    objects: list[_Body]
    pending: list[_Body] = field(default_factory=list)
    run: bytes | None = None
    done: list[tuple[str]] = field(default_factory=list)


class HistoryRows(Struct, frozen=True):
    """The rows of the history, runs in order."""

    head: Head
    runs: list[tuple[int, bytes]]
    done: list[tuple[int, str]]


def fetch_state(connection: sqlite3.Connection) -> StateRows:
    """The rows of the state as it is."""
    newest = connection.execute("SELECT number, body FROM runs ORDER BY number DESC LIMIT 1").fetchone()
    done = []
    if newest is not None:
        done = connection.execute("SELECT address FROM done WHERE run = ?", newest[:1]).fetchall()
    return StateRows(
        read_head(connection),
        connection.execute("SELECT address, body FROM objects").fetchall(),
        connection.execute("SELECT address, body FROM pending").fetchall(),
        None if newest is None else newest[1],
        done,
    )


def fetch_revision(connection: sqlite3.Connection, serial: int) -> StateRows:
    """The rows of the objects at an earlier serial; without objects, at the present one, if it never was."""
    head = read_head(connection)
    if not 0 <= serial <= head.serial:
        return StateRows(head, [])
    # SQLite takes the other columns from the row that has the maximum.
    latest = "SELECT address, body, max(serial) FROM changes WHERE serial <= ? GROUP BY address"
    query = f"SELECT address, body FROM ({latest}) WHERE body IS NOT NULL"  # noqa: S608 # no outside text
    return StateRows(replace(head, serial=serial), connection.execute(query, (serial,)).fetchall())


def fetch_history(connection: sqlite3.Connection) -> HistoryRows:
    """The rows of all runs."""
    return HistoryRows(
        read_head(connection),
        connection.execute("SELECT number, body FROM runs ORDER BY number").fetchall(),
        connection.execute("SELECT run, address FROM done").fetchall(),
    )


def decode_snapshot(rows: StateRows) -> State:
    """The state that rows tell of.

    Raises:
        DamagedStateError: they tell of none.
    """
    book = AddressBook()
    with collection_paused():
        done = _addresses((address for (address,) in rows.done), book)
        return State(
            rows.head.lineage,
            rows.head.serial,
            _by_address(rows.objects, decode_recorded, book),
            _by_address(rows.pending, decode_pending, book),
            None if rows.run is None else _run(rows.run, rows.head.serial, done),
        )


def decode_history(rows: HistoryRows) -> tuple[Run, ...]:
    """The runs that rows tell of.

    Raises:
        DamagedStateError: they tell of none.
    """
    book = AddressBook()
    done: dict[int, list[str]] = {}
    for number, address in rows.done:
        done.setdefault(number, []).append(address)
    with collection_paused():
        return tuple(
            _run(body, rows.head.serial, _addresses(done.get(number, ()), book)) for number, body in rows.runs
        )


def fetch_newest_run(connection: sqlite3.Connection) -> Run | None:
    """The newest run, without what it has done.

    Raises:
        DamagedStateError: it does not decode.
    """
    row = connection.execute("SELECT body FROM runs ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else decode_run(_json(row[0]))


def _json(body: object) -> object:
    if not isinstance(body, bytes):
        raise DamagedStateError("a body is not a blob")
    try:
        value: object = decode_json(body)
    except ValueError as error:
        raise DamagedStateError(f"a body is not JSON: {error}") from error
    return value


def _run(body: bytes, serial: int, done: frozenset[Address]) -> Run:
    run = replace(decode_run(_json(body)), done=done)
    return replace(run, last=serial) if run.status == "running" else run


def _addresses(texts: Iterable[str], book: AddressBook) -> frozenset[Address]:
    try:
        return frozenset([book[text] for text in texts])
    except (TypeError, ValueError) as error:
        raise DamagedStateError(f"what a run has done: {error}") from error


def _by_address(
    rows: Iterable[_Body], decode: Callable[[object, AddressBook], _Placed], book: AddressBook
) -> Mapping[Address, _Placed]:
    found: dict[Address, _Placed] = {}
    for key, body in rows:
        entry = decode(_json(body), book)
        if entry.address != book.get(key):
            raise DamagedStateError(f"what is kept under {key!r} says that it is {entry.address}")
        found[entry.address] = entry
    return found
