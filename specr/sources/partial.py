"""The beginning of a transfer, kept so that a later run can take it up.

Beside the bytes lies a note of what they are a beginning of, and of how many of them are known
to be on the disk: after a power cut, what came later may be zeros. One process at a time
holds a partial file; nothing here knows HTTP.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import Final

from specr.canonical import decode_json, encode_json
from specr.sources.downloads import claim, downloads_in

_SYNC_EVERY: Final = 64 << 20
"""Bytes after which what came is brought to the disk itself and noted: the most that a crash costs."""


class Partial:
    """Bytes that have come so far. `validator` is what a server said of the whole they belong to."""

    def __init__(self, path: Path, file: BufferedRandom) -> None:
        self.path = path
        self.size = 0
        self.validator: Mapping[str, str] = {}
        self._file = file
        self._note = path.with_suffix(".json")
        self._synced = 0

    def write(self, piece: bytes) -> None:
        """Add bytes at the end."""
        self._file.write(piece)
        self.size += len(piece)
        if self.size - self._synced >= _SYNC_EVERY:
            self.keep()

    def restart(self, validator: Mapping[str, str]) -> None:
        """Begin anew; `validator` is empty where a later run could not go on."""
        self._note.unlink(missing_ok=True)
        self._file.seek(0)
        self._file.truncate()
        self.size, self._synced, self.validator = 0, 0, validator

    def keep(self) -> None:
        """Bring what has come to the disk itself, and note that it is there."""
        self._file.flush()
        if not self.validator or not self.size:
            return
        os.fsync(self._file.fileno())
        beside = self._note.with_suffix(".new")
        beside.write_bytes(encode_json({"validator": dict(self.validator), "size": self.size}))
        beside.replace(self._note)
        self._synced = self.size

    def finish(self, target: Path) -> None:
        """Move the whole to its place."""
        self._file.flush()
        try:
            self.path.replace(target)
        except OSError:  # another disk
            shutil.move(self.path, target)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what has come, if there is anything that a later run could go on from."""
        if not self.path.exists():
            return  # it is finished
        self.keep()
        if not self._synced:
            self._note.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def load(self) -> None:
        """Take up what an earlier process noted; begin anew where that can't be made out."""
        try:
            noted = decode_json(self._note.read_bytes())
            validator, size = noted["validator"], noted["size"]
            sound = isinstance(validator, dict) and isinstance(size, int) and 0 < size <= self._end()
        except (OSError, ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            self.restart({})
            return
        self._file.truncate(size)
        self._file.seek(size)
        self.size, self._synced, self.validator = size, size, validator

    def _end(self) -> int:
        return os.fstat(self._file.fileno()).st_size


@contextmanager
def open_partial(folder: Path, reference: str) -> Iterator[Partial]:
    """The beginning of a reference's transfer, kept at the end unless it was finished.

    Raises:
        DiagnosticError: another process is at it, or the disk refuses.
    """
    name = hashlib.sha256(reference.encode()).hexdigest()[:32]
    with downloads_in(folder):
        path = folder / f"{name}.part"
        with _claimed(path) as file:
            partial = Partial(path, file)
            partial.load()
            try:
                yield partial
            finally:
                with suppress(OSError):  # a full disk: what was noted before is still there
                    partial.close()


@contextmanager
def _claimed(path: Path) -> Iterator[BufferedRandom]:
    """The file, open and locked; created if need be."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            claim(file, path)
            if not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                continue  # another process finished it between our opening and our locking it
            yield file
            return
