"""Reads one file out of a model folder, or out of an archive of one, without unpacking it.

The file lies at the top, or in the one folder that lies there. Archives are zip, tar and
tar.gz. However they were made, only so many bytes are ever read into memory, and only so many
are unpacked on the way. What else is in them is the processor's business.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

_LISTING_LIMIT: Final = 16 << 20
"""Bytes that a zip's directory, or a header of a tar, may have: room for 100,000 entries."""

_UNPACKED_LIMIT: Final = 8 << 30
"""Bytes of a tar.gz that are unpacked in search of a file."""

_ENTRIES_LIMIT: Final = 200_000

_FOREIGN: Final = "__MACOSX"
"""What one system adds to the archives that it makes."""


class ArchiveError(Exception):
    """Content that a file can't be read out of; the message is the second half of a sentence."""


def read_file(content: Path, name: str, limit: int) -> bytes:
    """The bytes of a file by its name.

    Raises:
        ArchiveError: there is none, it has more bytes than `limit`, or the archive is damaged.
        OSError: the content can't be read.
    """
    if content.is_dir():
        return _read_from_folder(content, name, limit)
    try:
        with content.open("rb") as file:
            head = file.read(512)
            file.seek(0)
            careful = cast("BinaryIO", _Careful(file))
            if head[:2] == b"PK":
                return _read_from_zip(careful, name, limit)
            if head[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as plain:
                    unpacked = _Careful(cast("BinaryIO", plain), _UNPACKED_LIMIT)
                    return _read_from_tar(cast("BinaryIO", unpacked), name, limit)
            if head[257:262] == b"ustar":
                return _read_from_tar(careful, name, limit)
    except (ArchiveError, PermissionError):
        raise
    except Exception as error:  # the archive modules raise all sorts of things for damaged or forged bytes
        raise ArchiveError(f"is damaged, or an archive of another kind: {error}") from error
    raise ArchiveError("is neither a folder nor a zip, tar or tar.gz of one")


class _Careful:
    """Gives an archive reader its bytes; refuses huge reads and leaps that only forged headers ask for."""

    def __init__(self, file: BinaryIO, end: int | None = None) -> None:
        self._file = file
        self._end = end
        self.tell, self.seekable, self.close = file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if size > _LISTING_LIMIT:
            raise ArchiveError("has a list of contents of impossible size")
        data = self._file.read(_LISTING_LIMIT + 1 if size < 0 else size)
        if len(data) > _LISTING_LIMIT:
            raise ArchiveError("has a list of contents of impossible size")
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        if self._end is not None and position > self._end:
            raise ArchiveError(f"unpacks to more than {self._end:,} bytes")
        return self._file.seek(position, whence)


def _read_from_folder(folder: Path, name: str, limit: int) -> bytes:
    entries = [entry.name for entry in folder.iterdir() if entry.name != _FOREIGN]
    tops = [folder, *(folder / only for only in entries if len(entries) == 1)]
    found = next((top / name for top in tops if (top / name).is_file()), None)
    if found is None:
        raise ArchiveError(_absent(name, entries))
    with found.open("rb") as file:
        return _bounded(file, name, limit)


def _read_from_zip(file: BinaryIO, name: str, limit: int) -> bytes:
    with zipfile.ZipFile(file) as archive:
        inside = archive.getinfo(_choose(archive.namelist(), name))
        if inside.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"holds a file {name} that is compressed in another way than by deflate")
        with archive.open(inside) as member:
            return _bounded(member, name, limit)


def _read_from_tar(file: BinaryIO, name: str, limit: int) -> bytes:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        members = dict[str, tarfile.TarInfo]()
        for member in archive:
            members[member.name.removeprefix("./")] = member
            if len(members) > _ENTRIES_LIMIT:
                raise ArchiveError(f"holds more than {_ENTRIES_LIMIT:,} entries")
        opened = archive.extractfile(members[_choose(members, name)])
        if opened is None:
            raise ArchiveError(f"holds no file {name}, but something else of that name")
        with opened:
            return _bounded(opened, name, limit)


def _choose(names: Iterable[str], name: str) -> str:
    """Which entry is meant: the one at the top, or in the only folder there."""
    names = [entry for entry in names if entry.split("/")[0] not in ("", ".", _FOREIGN)]
    if name in names:
        return name
    tops = {entry.split("/")[0] for entry in names}
    nested = f"{next(iter(tops))}/{name}" if len(tops) == 1 else ""
    if nested not in names:
        raise ArchiveError(_absent(name, tops))
    return nested


def _bounded(file: IO[bytes], name: str, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise ArchiveError(f"holds a file {name} of more than {limit:,} bytes")
    return data


def _absent(name: str, names: Iterable[str]) -> str:
    shown = sorted(names)[:5]
    held = f"it holds {', '.join(shown)}" if shown else "it is empty"
    return f"holds no file {name}; {held}"
