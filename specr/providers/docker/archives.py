"""Content as tar archives that are never held whole: for platforms that take and give bytes so.

What is packed is the store's: files and folders that nobody changes. What is unpacked was
written by a program that may have meant ill, so nothing lands outside of its target, and no
link is ever followed.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

_PIECE: Final = 1 << 20
"""Bytes that are read at a time."""

_BLOCK: Final = tarfile.BLOCKSIZE
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class ArchiveError(Exception):
    """An archive holds what must not be unpacked, or can't be read. The text says what."""


def pack(content: Path, name: str) -> Iterator[bytes]:
    """A file or folder as an archive with one top entry of this name, piece by piece.

    All can be read by everybody and written by nobody; owners and times are left out, so the
    same content gives the same archive.
    """
    for path, entry in _entries(content, name):
        info = tarfile.TarInfo(entry)
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
        elif stat.S_ISDIR(status.st_mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        else:
            info.mode = 0o555 if status.st_mode & stat.S_IXUSR else 0o444
            info.size = status.st_size
        yield info.tobuf(tarfile.PAX_FORMAT)
        if info.isreg():
            yield from _blocks(path, info.size)
    yield bytes(2 * _BLOCK)


def pack_folder(name: str, mode: int) -> bytes:
    """An archive with an empty folder of this name and mode."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(2 * _BLOCK)


def pack_file(name: str, data: bytes) -> bytes:
    """An archive with one small file."""
    info = tarfile.TarInfo(name)
    info.mode, info.size = 0o444, len(data)
    return info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % _BLOCK + 2 * _BLOCK)


def unpack(pieces: Iterable[bytes], target: Path) -> None:
    """Unpack an archive with one top entry, which becomes `target`; nothing may be there yet.

    Of permissions, only whether its owner may execute a file is kept.

    Raises:
        ArchiveError: it holds devices or pipes, names that lead out, or a link as its top
            entry, or it ends too early.
        OSError: the disk refuses.
    """
    stream = cast("BinaryIO", _Pieces(pieces))
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE) as archive:
            top = ""
            for member in archive:
                parts = [part for part in member.name.split("/") if part not in ("", ".")]
                top = top or (parts[0] if parts else "")
                if not parts or parts[0] != top or ".." in parts:
                    raise ArchiveError(f"the name {member.name} leads out of it")
                _unpack_member(archive, member, target, parts)
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"it can't be read: {error}") from error
    if not target.exists():
        raise ArchiveError("it holds nothing")


def read_file(pieces: Iterable[bytes]) -> bytes:
    """The bytes of the only file in an archive.

    Raises:
        ArchiveError: it holds something else, or ends too early.
    """
    try:
        with tarfile.open(fileobj=cast("BinaryIO", _Pieces(pieces)), mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is not None:
                    return file.read()
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"it can't be read: {error}") from error
    raise ArchiveError("it holds no file")


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path, parts: list[str]) -> None:
    place = target.joinpath(*parts[1:])
    if any(parent.is_symlink() for parent in (place, *place.parents) if parent.is_relative_to(target)):
        raise ArchiveError(f"{member.name} lies behind a link")
    if member.isdir():
        place.mkdir(0o700, exist_ok=True)
    elif member.issym() and place != target:
        place.symlink_to(member.linkname)
    elif member.islnk():
        _copy_linked(member, place, target, parts[0])
    elif member.isreg():
        source = archive.extractfile(member)
        assert source is not None
        mode = 0o700 if member.mode & stat.S_IXUSR else 0o600
        with os.fdopen(os.open(place, _NEW_FILE, mode), "wb") as file:
            shutil.copyfileobj(source, file, _PIECE)
            if file.tell() != member.size:
                raise ArchiveError(f"it ends within {member.name}")
    else:
        kind = "a link" if member.issym() else "neither a file nor a folder"
        raise ArchiveError(f"{member.name} is {kind}")


def _copy_linked(member: tarfile.TarInfo, place: Path, target: Path, top: str) -> None:
    """A second name of a file becomes a copy of it."""
    first, *rest = [part for part in member.linkname.split("/") if part not in ("", ".")]
    linked = target.joinpath(*rest)
    if first != top or ".." in rest or not linked.resolve().is_relative_to(target.resolve()):
        raise ArchiveError(f"{member.name} is another name of {member.linkname}, which lies outside")
    if linked.is_symlink() or not linked.is_file():
        raise ArchiveError(f"{member.name} is another name of {member.linkname}, which is no file in it")
    shutil.copy(linked, place)


class _Pieces(RawIOBase):
    """Pieces of bytes as a file to read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        room = memoryview(buffer).cast("B")
        count = min(len(room), len(self._rest))
        room[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _entries(content: Path, name: str) -> Iterator[tuple[Path, str]]:
    """The content itself, then everything below it, each folder before what it holds."""
    yield content, name
    if content.is_symlink() or not content.is_dir():
        return
    for path in sorted(content.iterdir()):
        yield from _entries(path, f"{name}/{path.name}")


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with path.open("rb") as file:
        while left and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece
    if left:
        raise OSError(f"{path} became shorter while it was read")
    if size % _BLOCK:
        yield bytes(_BLOCK - size % _BLOCK)
