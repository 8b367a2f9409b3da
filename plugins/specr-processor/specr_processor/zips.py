"""A zip of unknown origin, read without unpacking it.

However it was made, only so many bytes are ever held in memory. Nothing is written and nothing but
bytes comes out. Knows nothing of what the files in it mean.
"""

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from specr_processor.errors import SourceError

_CHUNK: Final = 1 << 20
_LISTING_LIMIT: Final = 32 << 20
"""Bytes that the zip's directory may have."""

_ENTRIES_LIMIT: Final = 200_000
"""Files in one: a model of 500 trees of 100 classes, a file or two each, has as many."""

_DAMAGE: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    # what zipfile raises for forged fields
    *(LookupError, ValueError, OverflowError, NotImplementedError, RuntimeError),
)


class ZipError(SourceError):
    """A zip that is damaged, or not to be trusted; the message is the end of a sentence about it."""


class OpenZip:
    """An open zip. The methods raise ZipError for whatever is wrong with it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """The names of its files, sorted."""
        return sorted(self._entries)

    def read(self, name: str, limit: int) -> bytes:
        """A file's bytes, at most `limit` of them."""
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ZipError(f"its {name} has more than {limit:,} bytes")
        return data

    def lines(self, name: str, longest: int, limit: int) -> Iterator[str]:
        """A text file's lines; of longer ones only the first `longest` bytes, the rest is skipped."""
        read = 0
        with self.open(name) as file:
            while piece := file.readline(longest):
                line = piece
                while piece and not piece.endswith(b"\n"):
                    read += len(piece)
                    if read > limit:
                        raise ZipError(f"its {name} has more than {limit:,} bytes")
                    piece = file.readline(_CHUNK)
                read += len(piece)
                yield _decode(line, name)

    def check_bytes(self, limit: int) -> None:
        """Read every file to its end, where its checksum is; all of them may have `limit` bytes."""
        read = 0
        for name in self.names():
            with self.open(name) as file:
                while chunk := file.read(_CHUNK):
                    read += len(chunk)
                    if read > limit:
                        raise ZipError(f"it unpacks to more than {limit:,} bytes, too much for its size")

    def size(self, name: str) -> int:
        """How many bytes a file has, as the zip's directory says."""
        return self._entries[name].file_size

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file's bytes, to be read while this lasts."""
        entry = self._entries.get(name)
        if entry is None:
            raise ZipError(f"there is no {name} in it; it holds {_shown(self.names())}")
        if entry.flag_bits & 1:
            raise ZipError(f"its {name} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ZipError(f"its {name} is compressed in another way than by deflate")
        with _damage(), self._archive.open(entry) as file:
            yield cast("BinaryIO", file)


@contextlib.contextmanager
def open_zip(path: Path) -> Iterator[OpenZip]:
    """Open a zip and check its directory.

    Raises:
        ZipError: it is no zip, is damaged, or its directory is not to be trusted.
        OSError: the file can't be read.
    """
    if path.is_dir():
        raise ZipError("it is a folder, not a zip")
    with path.open("rb") as file, open_zip_file(file) as archive:
        yield archive


@contextlib.contextmanager
def open_zip_file(file: BinaryIO) -> Iterator[OpenZip]:
    """The same for an open file, such as one inside another zip."""
    with _damage():
        head = file.read(4)
        if head != b"PK\x03\x04":
            raise ZipError("it is no zip")
        file.seek(0)
        archive = zipfile.ZipFile(cast("BinaryIO", _Careful(file)))
    with archive:
        _check_entries(archive.infolist())
        yield OpenZip(archive)


class _Careful:
    """Gives zipfile its bytes; refuses the huge read that only a forged directory asks for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if size > _LISTING_LIMIT:
            raise ZipError("its list of contents is of impossible size")
        data = self._file.read(_LISTING_LIMIT + 1 if size < 0 else size)
        if len(data) > _LISTING_LIMIT:
            raise ZipError("its list of contents is of impossible size")
        return data


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _ENTRIES_LIMIT:
        raise ZipError(f"it holds more than {_ENTRIES_LIMIT:,} files")
    seen = set[str]()
    for entry in entries:
        name = entry.filename
        if name in seen:
            raise ZipError(f"{name[:100]!r} occurs twice in it")
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise ZipError(f"the name {name[:100]!r} leads out of it")
        seen.add(name)


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ZipError(f"the zip is damaged: {error}") from error


def _decode(line: bytes, name: str) -> str:
    """Text in UTF-8; a character that was cut off at the end of a long line is lost."""
    try:
        return line.decode("utf-8", "strict" if line.endswith(b"\n") else "ignore")
    except UnicodeDecodeError:
        raise ZipError(f"its {name} is not UTF-8 text") from None


def _shown(names: list[str]) -> str:
    return ", ".join(name[:60] for name in names[:5]) if names else "nothing"
