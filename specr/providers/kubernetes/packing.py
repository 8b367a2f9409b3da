"""Content as one stream of bytes, whose length is known before the first of them. Reads, never writes."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from specr.store.content import FOLDER, LINK, PROGRAM, list_entries, open_file

TOP: Final = "content"
"""The name of the file or folder inside the stream."""

_BLOCK: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _BLOCK)
_PIECE: Final = 1 << 18


class Packed(Struct, frozen=True):
    """A tar of a file or folder: its length in bytes, and the way to its pieces."""

    length: int
    members: tuple[tuple[bytes, Path | None, int], ...]

    def pieces(self) -> Iterator[bytes]:
        """The stream, piece by piece.

        Raises:
            OSError: a file can't be read, or has become shorter.
        """
        for header, path, size in self.members:
            yield header
            if path is not None:
                yield from _read(path, size)
                yield bytes(-size % _BLOCK)
        yield _END


def pack(path: Path) -> Packed:
    """Look at a file or folder and say what its stream will be.

    Raises:
        DiagnosticError: it can't be read, or holds what has no digest.
    """
    real = path.resolve(strict=True)
    if real.is_dir():
        members = [_member(TOP, tarfile.DIRTYPE, 0o755)]
        for entry in list_entries(real):
            name = f"{TOP}/{entry.path}"
            if entry.mark == FOLDER:
                members.append(_member(name, tarfile.DIRTYPE, 0o755))
            elif entry.mark == LINK:
                members.append(_member(name, tarfile.SYMTYPE, 0o777, target=entry.target))
            else:
                mode = 0o755 if entry.mark == PROGRAM else 0o644
                members.append(
                    _member(name, tarfile.REGTYPE, mode, path=real / entry.path, size=entry.status.st_size)
                )
    else:
        members = [_member(TOP, tarfile.REGTYPE, 0o644, path=real, size=real.stat().st_size)]
    length = sum(len(header) + size + -size % _BLOCK for header, _, size in members) + len(_END)
    return Packed(length, tuple(members))


def _member(
    name: str, kind: bytes, mode: int, *, path: Path | None = None, size: int = 0, target: str = ""
) -> tuple[bytes, Path | None, int]:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.linkname = kind, mode, size, target
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"), path, size


def _read(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with open_file(path) as file:
        while left:
            piece = file.read(min(_PIECE, left))
            if not piece:
                raise OSError(f"{path} has become shorter while it was read")
            left -= len(piece)
            yield piece
