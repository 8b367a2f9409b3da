"""What every store promises: bytes by digest, the same for all who ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Stored(Struct, frozen=True):
    """Content in a store: its digest, and its size in bytes (of all files)."""

    digest: str
    size: int


class Store(Protocol):
    """Keeps files and folders by the digest of their content.

    Safe for several threads and processes. A process may die at any point: content is
    either there and whole, or not there.

    Raises DiagnosticError where the disk refuses, or where content is found damaged.
    """

    def has(self, digest: str) -> bool:
        """Whether content with this digest is there. Cheap: nothing is hashed."""

    def path(self, digest: str) -> Path:
        """The file or folder with this digest, verified; to be read, never written.

        Content that is found damaged is taken out of the store, if that can be written to.

        Raises:
            LookupError: it is not there.
        """

    def staging(self) -> AbstractContextManager[Path]:
        """An empty folder on the store's disk, removed afterwards. Also freed by `gc` after a crash."""

    def add(self, content: Path, *, expected: str | None = None, move: bool = False) -> Stored:
        """Take a file or folder in, by copy or (from a staging folder) by move.

        Raises:
            DiagnosticError: it has another digest than `expected`, or holds what a store
                can't keep (links that lead out of it, devices, sockets).
        """

    def remember_build(self, fingerprint: str, digest: str) -> None:
        """Note which content a build with this fingerprint gave."""

    def find_build(self, fingerprint: str) -> str | None:
        """The digest of a build's output, if it is noted and the content is there."""

    def digests(self) -> Iterator[Stored]:
        """Everything that is kept."""

    def gc(self, keep: frozenset[str], *, dry_run: bool = False) -> tuple[Stored, ...]:
        """Free what is not in `keep`, and what crashed processes left; return what was freed.

        Content that was added or asked for a moment ago stays, since another process may
        be about to record it.
        """
