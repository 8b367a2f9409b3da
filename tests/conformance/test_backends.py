"""The backends that specr ships, held to what every backend promises."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from specr.backends.memory import MemoryBackend, MemoryState
from specr.backends.sqlite import SqliteBackend
from specr.testing.backends import BackendConformance, OpenAt, SharedBackendConformance


class TestMemory(BackendConformance):
    def opener(self, place: Path) -> OpenAt:
        return partial(MemoryBackend, MemoryState())


class TestSqlite(SharedBackendConformance):
    def opener(self, place: Path) -> OpenAt:
        return partial(SqliteBackend, place / ".specr" / "state.db")
