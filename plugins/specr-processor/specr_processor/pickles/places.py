"""Bytes within a file, or within what a file holds, without reading all of them."""

import bz2
import gzip
import lzma
import mmap
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final, Protocol, cast

from specr_processor.pickles.opcodes import Buffer

_PIECE: Final = 1 << 20


def path_of(file: str, inside: tuple[str, ...]) -> str:
    """A file, or a member of archives in it, for messages."""
    return " in ".join((*reversed(inside), file))


@dataclass(frozen=True, slots=True)
class Place:
    """The bytes from `start` to `end` of a buffer.

    `file` is the file's name, `inside` the way to here through archives, `depth` the number of
    layers around it. A `constant` is a value that a pickle holds, which the file's name says nothing of:
    an array of texts may begin with any letter. `joblib` says that nothing but joblib loads it.
    """

    data: Buffer
    start: int
    end: int
    file: str
    inside: tuple[str, ...] = ()
    depth: int = 0
    constant: bool = False
    joblib: bool = False

    @property
    def path(self) -> str:
        """Where it is, for messages."""
        return path_of(self.file, self.inside)

    @property
    def head(self) -> bytes:
        """The first bytes, a tar's header at most."""
        return self.data[self.start : min(self.end, self.start + 512)]

    def within(self, data: Buffer, start: int, end: int) -> "Place":
        """A place one layer deeper."""
        return Place(data, start, end, self.file, self.inside, self.depth + 1, self.constant)

    def value(self, data: Buffer, start: int, end: int) -> "Place":
        """A constant of the pickle that lies here."""
        return Place(data, start, end, self.file, self.inside, self.depth + 1, constant=True)

    def member(self, data: Buffer, name: str) -> "Place":
        """A member of the archive that lies here."""
        return Place(data, 0, len(data), self.file, (*self.inside, name), self.depth + 1)

    def is_named(self, suffixes: tuple[str, ...]) -> bool:
        """Whether the file, or the member of an archive, has one of these suffixes."""
        return not self.constant and (self.inside or (self.file,))[-1].lower().endswith(suffixes)

    def view(self) -> IO[bytes]:
        """The bytes as a file to read from."""
        return cast("IO[bytes]", _View(self.data, self.start, self.end))


class _View:
    """Bytes within bounds as a file; nothing is copied but what is read."""

    def __init__(self, data: Buffer, start: int, end: int) -> None:
        self._data, self._start, self._end = data, start, end
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._end - self._start)[whence]
        if base + offset < 0:
            raise OSError("a position before the beginning")
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        start = min(self._start + self._at, self._end)
        stop = self._end if size is None or size < 0 else min(start + size, self._end)
        self._at += stop - start
        return self._data[start:stop]


class _Compressed(Protocol):
    def read1(self, size: int = ..., /) -> bytes: ...


_FILES: Final[dict[bytes, Callable[[IO[bytes]], _Compressed]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
}
_ZLIB: Final = b"\x78"

MAGIC: Final = (*_FILES, _ZLIB)
"""First bytes of what joblib, pandas and numpy decompress by themselves."""


def decompress(place: Place) -> Iterator[bytes] | None:
    """What comes out of compressed bytes, piece by piece, up to where they are damaged.

    None where they are not compressed in a way that is known here.
    """
    head = place.head
    for magic, open_ in _FILES.items():
        if head.startswith(magic):
            return _until_damage(_read_all(open_(place.view())))
    return _until_damage(_inflate(place)) if head.startswith(_ZLIB) else None


def _read_all(file: _Compressed) -> Iterator[bytes]:
    # Not `read`: it gives nothing of a piece whose end is damaged.
    while piece := file.read1(_PIECE):
        yield piece


def _inflate(place: Place) -> Iterator[bytes]:
    """Streams of zlib, one after another."""
    inflating = zlib.decompressobj()
    for start in range(place.start, place.end, _PIECE):
        piece = place.data[start : min(start + _PIECE, place.end)]
        while piece:
            yield inflating.decompress(piece, _PIECE)
            while inflating.unconsumed_tail:
                yield inflating.decompress(inflating.unconsumed_tail, _PIECE)
            piece = inflating.unused_data
            if inflating.eof:
                inflating = zlib.decompressobj()


def _until_damage(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        return


@contextmanager
def mapped(file: IO[bytes]) -> Iterator[Buffer]:
    """A file's bytes without reading them all."""
    file.flush()
    if not file.seek(0, 2):
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
