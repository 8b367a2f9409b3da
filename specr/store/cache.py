"""Remembers the digests of files, so that no plan reads gigabytes twice.

An entry is believed as long as the file's size, modification and change time, inode and
device are those it was noted with. A file that had been written to just before it was read
is not noted: a further write within the same tick of the clock would leave its times as
they are (git keeps its index by the same rule).

The cache is a log that processes append to, each line with a checksum. Whatever is damaged,
cut short or of another format is ignored, and a cache that can't be written is kept in
memory: losing it costs time and nothing else. Nothing here decides what content is right.
"""

from __future__ import annotations

import os
import re
import stat
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

import orjson

from specr.store.content import (
    Measure,
    Survey,
    files_of,
    folder_digest,
    hash_file,
    list_entries,
    locate,
    size_of,
    survey,
)
from specr.workfolder import ensure_work_folder

FILE_NAME: Final = "digests-1.log"
"""The log's name holds the version of its format."""

SETTLED_AFTER: Final = 2_000_000_000
"""Nanoseconds after its last change before a file is noted: the coarsest clock of a file system in use."""

_COMPACT_FROM: Final = 1_000
"""Lines below which a log is never rewritten."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Mark(NamedTuple):
    """What tells one state of a file from the next, without reading it."""

    size: int
    modified: int
    changed: int
    inode: int
    device: int


class DigestCache:
    """Digests of files by path. Safe for several threads, and processes that share a folder.

    Nothing is read before the first question, and nothing written but what was learnt.
    """

    def __init__(self, folder: Path | None, *, clock: Callable[[], int] = time.time_ns) -> None:
        """Keep the log in a folder, or nothing beyond this object; `clock` gives nanoseconds since 1970."""
        self._log = folder / FILE_NAME if folder else None
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, tuple[Mark, str]] | None = None
        self._learnt: list[bytes] = []

    def measure(self, path: Path) -> Measure:
        """The digest and size of a file or folder, reading only what is not known yet.

        Raises:
            DiagnosticError: it can't be read, or holds what has no digest.
        """
        return self.survey(path).measure

    def survey(self, path: Path) -> Survey:
        """What `measure` finds out, file by file. Raises the same."""
        try:
            return survey(path, self._hash)
        finally:
            self._write()

    def known(self, path: Path) -> Measure | None:
        """The digest and size of a file or folder, if that takes no reading.

        Raises:
            DiagnosticError: it can't be read, or holds what has no digest.
        """
        real, status = locate(path)
        if not stat.S_ISDIR(status.st_mode):
            digest = self._find(real, status)
            return Measure(f"sha256:{digest}", status.st_size) if digest else None
        entries = list_entries(real)
        hashes = dict[str, str]()
        for entry in files_of(entries):
            digest = self._find(real / entry.path, entry.status)
            if digest is None:
                return None
            hashes[entry.path] = digest
        return Measure(folder_digest(entries, hashes), size_of(entries))

    def remember(self, files: Iterable[tuple[Path, os.stat_result, str]]) -> None:
        """Note files with their status and hash, known to have been left alone since they were read.

        The paths must be free of links.
        """
        for path, status, digest in files:
            self._note(path, status, digest)
        self._write()

    def _hash(self, path: Path, status: os.stat_result) -> str:
        digest = self._find(path, status)
        if digest is None:
            begun = self._clock()
            digest = hash_file(path)
            if begun - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_AFTER:
                self._note(path, status, digest)
        return digest

    def _find(self, path: Path, status: os.stat_result) -> str | None:
        with self._lock:
            if self._known is None:
                self._known = self._read()
            mark, digest = self._known.get(str(path), (None, ""))
        return digest if mark == _mark(status) else None

    def _note(self, path: Path, status: os.stat_result, digest: str) -> None:
        mark = _mark(status)
        with self._lock:
            if self._known is None:
                self._known = self._read()
            self._known[str(path)] = (mark, digest)
            self._learnt.append(_encode(str(path), mark, digest))

    def _read(self) -> dict[str, tuple[Mark, str]]:
        try:
            lines = self._log.read_bytes().split(b"\n") if self._log else []
        except OSError:
            return {}  # absent, or not ours to read: everything is read anew, as if it were empty
        known = {path: (mark, digest) for path, mark, digest in filter(None, map(_decode, lines))}
        if len(lines) > _COMPACT_FROM and len(lines) > 2 * len(known):
            known = {path: noted for path, noted in known.items() if os.path.lexists(path)}
            self._rewrite(known)
        return known

    def _rewrite(self, known: dict[str, tuple[Mark, str]]) -> None:
        if self._log is None:
            return
        beside = self._log.with_name(f"{FILE_NAME}.{os.getpid()}.{self._clock()}")
        try:
            beside.write_bytes(b"".join(_encode(path, *noted) for path, noted in known.items()))
            beside.replace(self._log)
        except OSError:
            with suppress(OSError):  # the long log is as good; it is only longer
                beside.unlink()

    def _write(self) -> None:
        with self._lock:
            learnt, self._learnt = b"".join(self._learnt), []
        if not learnt or self._log is None:
            return
        try:
            ensure_work_folder(self._log.parent)
            descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return  # a read-only or full disk: the next plan reads the files once more
        try:
            # A newline first, so that a line which a crash cut short spoils only itself.
            os.write(descriptor, b"\n" + learnt)
        except OSError:
            return  # the same
        finally:
            os.close(descriptor)


def _mark(status: os.stat_result) -> Mark:
    return Mark(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)


def _encode(path: str, mark: Mark, digest: str) -> bytes:
    # Base 16 of the bytes, since a path outside of the content itself may be no UTF-8.
    line = orjson.dumps([os.fsencode(path).hex(), *mark, digest])
    return b"%08x %s\n" % (zlib.crc32(line), line)


def _decode(line: bytes) -> tuple[str, Mark, str] | None:
    checksum, _, rest = line.partition(b" ")
    if not rest or checksum != b"%08x" % zlib.crc32(rest):
        return None
    try:
        path, *numbers, digest = orjson.loads(rest)
        if not _DIGEST.fullmatch(digest):
            return None
        return os.fsdecode(bytes.fromhex(path)), Mark(*numbers), digest
    except (ValueError, TypeError):
        return None  # a checksum that fits by accident, or a line of another format
