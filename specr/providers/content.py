"""What providers need of a store. Every store of specr has it; a provider sees no more."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Content(Protocol):
    """Content in a store: its digest, and its size in bytes (of all files)."""

    @property
    def digest(self) -> str:
        """`sha256:…`."""

    @property
    def size(self) -> int:
        """Bytes."""


class ByteStore(Protocol):
    """Bytes by digest: sources and models to read, outputs to bring in.

    The methods promise what those of `specr.store.protocol.Store` promise.
    """

    def has(self, digest: str) -> bool:
        """Whether it is there. Cheap."""

    def path(self, digest: str) -> Path:
        """The file or folder with this digest; LookupError if it is not there."""

    def staging(self) -> AbstractContextManager[Path]:
        """An empty folder on the store's disk, removed afterwards."""

    def add(self, content: Path, *, expected: str | None = None, move: bool = False) -> Content:
        """Take a file or folder in, by copy or (from a staging folder) by move."""
