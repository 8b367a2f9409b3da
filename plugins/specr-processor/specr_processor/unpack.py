"""An archive or folder of unknown origin to a plain tree of regular files.

Nothing is written outside the target and nothing but files and folders is made: names that leave
the tree, links that leave it, devices, pipes and archives that grow beyond all measure are refused.
The tree depends on the names and bytes of the source alone: modes are 0644 and 0755, a link to a
file inside becomes a copy of it, and the order of the source is forgotten.
"""

import gzip
import lzma
import os
import posixpath
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from specr_processor.errors import SourceError

_MIB: Final = 1024 * 1024
_CHUNK: Final = _MIB
_HEADER_LIMIT: Final = 16 * _MIB
"""The most that one read of a tar header may ask for; a long name is far below it."""
_DAMAGE: Final = (
    *(tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError),
    # what zipfile and its decompressors raise for forged fields, found by changing bytes at random
    *(zipfile.BadZipFile, lzma.LZMAError, struct.error, LookupError, ValueError, OverflowError),
)


class UnpackError(SourceError):
    """A source that can't be unpacked safely; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an archive may grow: bytes in sum, entries, and the ratio to its own size.

    The ratio counts from `free_bytes` on, since a small archive of zeros harms nobody.
    """

    total_bytes: int = 64 * 1024 * _MIB
    entries: int = 100_000
    ratio: int = 200
    free_bytes: int = 64 * _MIB


@dataclass(slots=True)
class _Tree:
    """The files and folders made so far, and the room that is left."""

    target: Path
    most_bytes: int
    most_entries: int
    written: int = 0
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)

    def add_folder(self, name: str) -> None:
        for path in (*reversed(PurePosixPath(name).parents), PurePosixPath(name)):
            text = str(path)
            if text == "." or text in self.folders:
                continue
            if text in self.files or text in self.links:
                raise UnpackError(f"{text!r} is both a file and a folder")
            self._count()
            self.folders.add(text)
            made = self.target / text
            made.mkdir()
            made.chmod(0o755)

    def add_file(self, name: str, content: BinaryIO) -> None:
        self._claim(name)
        self.files.add(name)
        path = self.target / name
        with path.open("xb") as file:
            while chunk := content.read(_CHUNK):
                self.written += len(chunk)
                if self.written > self.most_bytes:
                    raise UnpackError(
                        f"it unpacks to more than {self.most_bytes} bytes, too much for its size"
                        " (SPECR_MAX_UNPACKED_BYTES and SPECR_MAX_UNPACK_RATIO set the limits)"
                    )
                file.write(chunk)
        path.chmod(0o644)

    def add_link(self, name: str, target: str) -> None:
        """Note a link; `finish` makes it a copy. `target` is a path from the tree's root."""
        self._claim(name)
        self.links[name] = target

    def finish(self) -> None:
        """Turn each link into a copy of the file it leads to.

        Raises:
            UnpackError: one leads to no file of the tree.
        """
        for name in sorted(self.links):
            target, seen = self.links[name], {name}
            while target in self.links and target not in seen:
                seen.add(target)
                target = self.links[target]
            if target not in self.files:
                raise UnpackError(f"the link {name!r} leads to no file of the model")
            with (self.target / target).open("rb") as content:
                self._copy_link(name, content)

    def _copy_link(self, name: str, content: BinaryIO) -> None:
        origin = self.links.pop(name)
        self.add_file(name, content)
        self.links[name] = origin  # a later link may lead through this one

    def _claim(self, name: str) -> None:
        parent = str(PurePosixPath(name).parent)
        if parent != ".":
            self.add_folder(parent)
        if name in self.files or name in self.folders or name in self.links:
            raise UnpackError(f"{name!r} occurs twice")
        self._count()

    def _count(self) -> None:
        if len(self.files) + len(self.folders) + len(self.links) >= self.most_entries:
            raise UnpackError(f"it holds more than {self.most_entries} files and folders")


def unpack(source: Path, target: Path, limits: Limits) -> None:
    """Fill `target`, an empty folder, with what a folder, zip, tar or tar.gz holds.

    Raises:
        UnpackError: the source is none of these, is damaged, or holds what must not be unpacked.
        OSError: the source can't be read or the target not written.
    """
    if source.is_dir():
        tree = _Tree(target, limits.total_bytes, limits.entries)
        _copy_folder(source, tree)
    else:
        size = source.stat().st_size
        most = min(limits.total_bytes, max(limits.free_bytes, size * limits.ratio))
        tree = _Tree(target, most, limits.entries)
        try:
            _unpack_archive(source, tree)
        except _DAMAGE as error:
            raise UnpackError(f"the archive is damaged: {error}") from None
        except NotImplementedError as error:  # zipfile's word for compression methods that it lacks
            raise UnpackError(f"the archive can't be read: {error}") from None
    tree.finish()


def _unpack_archive(source: Path, tree: _Tree) -> None:
    with source.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        if head[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as plain:
                _unpack_tar(cast("BinaryIO", plain), tree)
                _check_rest(cast("BinaryIO", plain), tree)
        elif head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
            _unpack_zip(file, tree)
        elif head[257:262] == b"ustar":
            _unpack_tar(file, tree)
        else:
            raise UnpackError("it is no folder, zip, tar or tar.gz")


def _check_rest(plain: BinaryIO, tree: _Tree) -> None:
    """Read a compressed stream to its end, where its checksum is, since a tar ends before."""
    rest = 0
    while chunk := plain.read(_CHUNK):
        rest += len(chunk)
        if tree.written + rest > tree.most_bytes:
            raise UnpackError("there is too much after the end of the archive")


def safe_name(raw: str) -> str:
    """An entry's name as a relative path without `.` and empty parts; "" for the root itself.

    Raises:
        UnpackError: the name is absolute, leaves the tree, or means different things to different systems.
    """
    if raw.startswith("/") or raw[1:2] == ":":
        raise UnpackError(f"the entry {raw[:100]!r} has an absolute name")
    if "\\" in raw or "\0" in raw:
        raise UnpackError(f"the entry {raw[:100]!r} has a backslash or a NUL in its name")
    parts = [part for part in raw.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise UnpackError(f"the entry {raw[:100]!r} leads out of the archive")
    return "/".join(parts)


def _inside(name: str, link: str) -> str:
    """Where a symbolic link at `name` leads, as a path from the root."""
    where = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    if link.startswith("/") or where == ".." or where.startswith("../"):
        raise UnpackError(f"the link {name!r} leads out of the model, to {link[:100]!r}")
    return where


class _Bounded:
    """Gives a tar reader its bytes, refusing the one huge read that only a forged header asks for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if size > _HEADER_LIMIT:
            raise UnpackError(f"a header of the archive claims to be {size} bytes long")
        return self._file.read(size)


def _unpack_tar(file: BinaryIO, tree: _Tree) -> None:
    bounded = cast("BinaryIO", _Bounded(file))
    with tarfile.open(fileobj=bounded, mode="r:") as archive:
        for member in archive:
            name = safe_name(member.name)
            if member.isdir():
                tree.add_folder(name or ".")
            elif member.issym():
                tree.add_link(name, _inside(name, member.linkname))
            elif member.islnk():
                tree.add_link(name, safe_name(member.linkname))
            elif member.isreg():
                content = archive.extractfile(member)
                if content is None or not name:
                    raise UnpackError(f"the entry {member.name[:100]!r} is no file")
                tree.add_file(name, cast("BinaryIO", content))
            else:
                raise UnpackError(f"the entry {name[:100]!r} is a device, pipe or other special file")


def _unpack_zip(file: BinaryIO, tree: _Tree) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = safe_name(member.filename)
            if member.flag_bits & 1:
                raise UnpackError(f"the entry {name[:100]!r} is encrypted")
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                tree.add_folder(name or ".")
                continue
            if kind not in {0, stat.S_IFREG, stat.S_IFLNK} or not name:
                raise UnpackError(
                    f"the entry {member.filename[:100]!r} is a device, pipe or other special file"
                )
            with archive.open(member) as content:
                if kind == stat.S_IFLNK:
                    tree.add_link(name, _inside(name, os.fsdecode(content.read(4096))))
                else:
                    tree.add_file(name, cast("BinaryIO", content))


def _copy_folder(source: Path, tree: _Tree) -> None:
    for name, entry in _walk(source, ""):
        if entry.is_symlink():
            tree.add_link(name, _inside(name, str(Path(entry.path).readlink())))
        elif entry.is_dir():
            tree.add_folder(name)
        elif entry.is_file():
            with Path(entry.path).open("rb") as content:
                tree.add_file(name, content)
        else:
            raise UnpackError(f"{name!r} is a device, pipe or other special file")


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        name = f"{prefix}{entry.name}"
        yield name, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{name}/")


def model_root(tree: Path, marker: str) -> Path:
    """The folder that holds `marker`: the tree itself, or its only folder if that one does.

    What macOS adds to a zip (`__MACOSX`) is removed first.
    """
    shutil.rmtree(tree / "__MACOSX", ignore_errors=True)
    if (tree / marker).exists():
        return tree
    entries = list(tree.iterdir())
    only = entries[0] if len(entries) == 1 else tree
    return only if (only / marker).exists() else tree
