"""What exists at a memory provider: objects by lineage and token, in a dict or in a file.

This module knows nothing of what is done with them; `memory` does.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from specr.canonical import JsonObject, decode_json, encode_json
from specr.diagnostics import Diagnostic
from specr.providers.orders import decode_order, encode_order
from specr.providers.protocol import Order, ProviderError
from specr.workfolder import ensure_work_folder, why_unwritable


class MemoryObject(Struct, frozen=True):
    """A build or deployment that exists. `lines` are its log."""

    lineage: str
    order: Order
    attributes: JsonObject = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """Its mark, unique in its lineage."""
        return self.order.token

    def with_attributes(self, attributes: JsonObject) -> MemoryObject:
        """The same object with other attributes."""
        return replace(self, attributes=attributes)


class World(Protocol):
    """Keeps the objects of memory providers. Safe for several threads."""

    def get(self, lineage: str, token: str) -> MemoryObject | None:
        """One object, if it exists."""

    def put(self, thing: MemoryObject) -> None:
        """Make an object, or make it another."""

    def attributes_of(self, lineage: str, token: str) -> JsonObject | None:
        """The attributes of one object, if it exists."""

    def set_attributes(self, lineage: str, token: str, attributes: JsonObject) -> None:
        """Give an object other attributes, if it exists."""

    def remove(self, lineage: str, token: str) -> None:
        """Remove an object; one that is gone already is no error."""

    def attributes(self, lineage: str) -> Mapping[str, JsonObject]:
        """The attributes of all objects of a lineage, by token."""


class MemoryWorld:
    """A world that lives as long as the process.

    Tests drift it with `put` and `remove`: that is what an outsider would do.
    """

    def __init__(self, things: Iterable[MemoryObject] = ()) -> None:
        self._lock = Lock()
        self._things: dict[str, dict[str, MemoryObject]] = {}
        for thing in things:
            self.put(thing)

    def get(self, lineage: str, token: str) -> MemoryObject | None:
        """One object, if it exists."""
        return self._things.get(lineage, {}).get(token)

    def put(self, thing: MemoryObject) -> None:
        """Make an object, or make it another."""
        with self._lock:
            self._things.setdefault(thing.lineage, {})[thing.token] = thing

    def attributes_of(self, lineage: str, token: str) -> JsonObject | None:
        """The attributes of one object, if it exists."""
        thing = self.get(lineage, token)
        return thing.attributes if thing else None

    def set_attributes(self, lineage: str, token: str, attributes: JsonObject) -> None:
        """Give an object other attributes, if it exists."""
        with self._lock:
            thing = self.get(lineage, token)
            if thing is not None:
                self._things[lineage][token] = thing.with_attributes(attributes)

    def remove(self, lineage: str, token: str) -> None:
        """Remove an object; one that is gone already is no error."""
        with self._lock:
            self._things.get(lineage, {}).pop(token, None)

    def attributes(self, lineage: str) -> Mapping[str, JsonObject]:
        """The attributes of all objects of a lineage, by token."""
        with self._lock:
            return {token: thing.attributes for token, thing in self._things.get(lineage, {}).items()}


_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS object (lineage TEXT, token TEXT, attributes BLOB NOT NULL, "
    "made BLOB NOT NULL, PRIMARY KEY (lineage, token)) WITHOUT ROWID"
)


class FileWorld:
    """A world in an SQLite file, so that it outlives the process.

    Each write is whole or not there, whenever the process dies; power cuts are not provided
    for. Reading a file that does not exist creates none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    def get(self, lineage: str, token: str) -> MemoryObject | None:
        """One object, if it exists."""
        query = "SELECT attributes, made FROM object WHERE lineage = ? AND token = ?"
        for attributes, made in self._rows(query, lineage, token):
            data = decode_json(made)
            return MemoryObject(
                lineage, decode_order(data["order"]), decode_json(attributes), tuple(data["lines"])
            )
        return None

    def put(self, thing: MemoryObject) -> None:
        """Make an object, or make it another."""
        made = encode_json({"order": encode_order(thing.order), "lines": list(thing.lines)})
        with self._opened(create=True) as connection:
            assert connection is not None
            connection.execute(
                "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)",
                (thing.lineage, thing.token, encode_json(thing.attributes), made),
            )

    def attributes_of(self, lineage: str, token: str) -> JsonObject | None:
        """The attributes of one object, if it exists."""
        query = "SELECT attributes, token FROM object WHERE lineage = ? AND token = ?"
        return next((decode_json(found) for found, _ in self._rows(query, lineage, token)), None)

    def set_attributes(self, lineage: str, token: str, attributes: JsonObject) -> None:
        """Give an object other attributes, if it exists."""
        with self._opened(create=False) as connection:
            if connection is not None:
                connection.execute(
                    "UPDATE object SET attributes = ? WHERE lineage = ? AND token = ?",
                    (encode_json(attributes), lineage, token),
                )

    def remove(self, lineage: str, token: str) -> None:
        """Remove an object; one that is gone already is no error."""
        with self._opened(create=False) as connection:
            if connection is not None:
                connection.execute("DELETE FROM object WHERE lineage = ? AND token = ?", (lineage, token))

    def attributes(self, lineage: str) -> Mapping[str, JsonObject]:
        """The attributes of all objects of a lineage, by token."""
        rows = self._rows("SELECT token, attributes FROM object WHERE lineage = ?", lineage)
        return {token: decode_json(attributes) for token, attributes in rows}

    def close(self) -> None:
        """Let go of the file; it is opened again when needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, query: str, *values: str) -> list[tuple[Any, Any]]:
        with self._opened(create=False) as connection:
            return connection.execute(query, values).fetchall() if connection is not None else []

    @contextmanager
    def _opened(self, *, create: bool) -> Iterator[sqlite3.Connection | None]:
        """The connection, used by one thread at a time; None where there is no file yet."""
        try:
            with self._lock:
                if self._connection is None and (create or self._path.exists()):
                    self._connection = self._connect()
                yield self._connection
        except (sqlite3.Error, OSError) as error:
            raise ProviderError(self._unusable(error)) from error

    def _unusable(self, error: Exception) -> Diagnostic:
        why = why_unwritable(self._path.parent)
        return Diagnostic(
            "Rehearsal world unusable",
            f"The memory provider keeps its objects in {self._path}, which can't be used: {why or error}.",
            "Make it writable, then run the command again."
            if why
            else f"Free or repair {self._path}, or remove it: nothing runs there, and the next "
            "apply makes its objects again.",
        )

    def _connect(self) -> sqlite3.Connection:
        if self._path.exists() and why_unwritable(self._path.parent):
            return self._connect_to_read()
        ensure_work_folder(self._path.parent)
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_TABLE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        """Open the file where SQLite can't make a log beside it, which it would even for reading."""
        still = "" if os.path.lexists(f"{self._path}-wal") else "&immutable=1"
        uri = f"{self._path.absolute().as_uri()}?mode=ro{still}"
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
