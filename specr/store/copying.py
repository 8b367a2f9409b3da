"""Moves content about on disk: copies it while hashing, makes it read-only and durable, removes it.

What content may hold is judged in `content`; where it goes is the caller's business.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from specr.store.content import (
    FOLDER,
    LINK,
    PROGRAM,
    Measure,
    Survey,
    files_of,
    folder_digest,
    list_entries,
    locate,
    open_file,
    refuse_changed,
    unreadable,
)

_PIECE: Final = 1 << 20
"""Bytes copied at a time."""

_FOLDER_ITSELF: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_READ_FILE: Final = 0o444
_READ_FOLDER: Final = 0o555


def copy_content(source: Path, target: Path) -> Survey:
    """Copy a file or folder to a place that does not exist yet; survey what was written.

    Raises:
        DiagnosticError: the source can't be read, holds what has no digest, or changes meanwhile.
        OSError: the target can't be written.
    """
    real, status = locate(source)
    if not stat.S_ISDIR(status.st_mode):
        digest, size = _copy_file(real, target, program=bool(status.st_mode & stat.S_IXUSR))
        return Survey(Measure(f"sha256:{digest}", size), {"": digest})
    entries = list_entries(real)
    target.mkdir(0o700)
    hashes, total = dict[str, str](), 0
    for entry in entries:  # a folder sorts before what it holds
        here = target / entry.path
        if entry.mark == FOLDER:
            here.mkdir(0o700)
        elif entry.mark == LINK:
            here.symlink_to(entry.target)
        else:
            hashes[entry.path], size = _copy_file(real / entry.path, here, program=entry.mark == PROGRAM)
            total += size
    return Survey(Measure(folder_digest(entries, hashes), total), hashes)


def seal(content: Path) -> None:
    """Make content read-only, and bring it to the disk itself so that it survives a power cut.

    A folder's own permissions stay, since one that can't be written to can't be moved: see `seal_top`.

    Raises:
        OSError: the disk refuses.
        DiagnosticError: the content can't be read.
    """
    if not content.is_dir():
        _make_readable(content)
        sync(content)
        return
    entries = list_entries(content)
    for entry in files_of(entries):
        _make_readable(content / entry.path)
    folders = [content / entry.path for entry in entries if entry.mark == FOLDER]
    for folder in folders:
        folder.chmod(_READ_FOLDER)
    # All at the end: the first makes the disk write out the rest too, so the others are quick.
    for path in [*(content / entry.path for entry in files_of(entries)), *folders, content]:
        sync(path)


def seal_top(content: Path) -> None:
    """Make a folder itself read-only, once it is in its place."""
    if content.is_dir() and stat.S_IMODE(content.stat().st_mode) != _READ_FOLDER:
        content.chmod(_READ_FOLDER)


def unseal_top(content: Path) -> None:
    """Allow a folder itself to be moved away."""
    if content.is_dir() and not content.is_symlink():
        content.chmod(0o700)


def sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(content: Path) -> None:
    """Remove a file or folder, read-only or not. What is gone already, or goes meanwhile, is no error.

    Folders inside folders are brought up to the top before they are emptied, so that no depth
    is too much: neither for the length of a path, nor for the number of open files.

    Raises:
        OSError: something can't be removed. Everything else that can be is gone then.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(content.lstat().st_mode):
            content.unlink()
            return
        content.chmod(0o700)
        failed: OSError | None = None
        top = os.open(content, _FOLDER_ITSELF)
        try:
            failed = _empty(top)
        finally:
            os.close(top)
        if failed is not None:
            raise failed
        content.rmdir()


def _empty(top: int) -> OSError | None:
    """Remove all that is in an open folder; the first thing that could not be removed."""
    failed: OSError | None = None
    stuck = set[str]()
    while waiting := set(os.listdir(top)) - stuck:
        for name in waiting:
            try:
                if not stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
                    os.unlink(name, dir_fd=top)
                    continue
                os.chmod(name, 0o700, dir_fd=top)
                _lift(name, top)
                os.rmdir(name, dir_fd=top)
            except FileNotFoundError:
                continue
            except OSError as error:
                stuck.add(name)
                failed = failed or error
    return failed


def _lift(name: str, top: int) -> None:
    """Empty a folder in an open one: its folders go up beside it, under names of no meaning."""
    folder = os.open(name, _FOLDER_ITSELF, dir_fd=top)
    failed: OSError | None = None
    try:
        for inner in os.listdir(folder):  # noqa: PTH208 - an open folder, not a path
            try:
                if stat.S_ISDIR(os.lstat(inner, dir_fd=folder).st_mode):
                    os.chmod(inner, 0o700, dir_fd=folder)  # what can't be written to can't be moved
                    os.rename(inner, os.urandom(8).hex(), src_dir_fd=folder, dst_dir_fd=top)
                else:
                    os.unlink(inner, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                failed = failed or error
    finally:
        os.close(folder)
    if failed is not None:
        raise failed


def _copy_file(source: Path, target: Path, *, program: bool) -> tuple[str, int]:
    """Copy a plain file; the hash and number of the bytes that were written."""
    mode = 0o700 if program else 0o600
    try:
        reading = open_file(source)
    except OSError as error:
        raise unreadable(source, error) from error
    hasher, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with reading, os.fdopen(descriptor, "wb", buffering=0) as writing:
        before = os.fstat(reading.fileno())
        while piece := _read(reading.fileno(), source):
            hasher.update(piece)
            size += len(piece)
            _write(writing.fileno(), piece)
        refuse_changed(source, before, os.fstat(reading.fileno()))
    return hasher.hexdigest(), size


def _read(descriptor: int, source: Path) -> bytes:
    try:
        return os.read(descriptor, _PIECE)
    except OSError as error:
        raise unreadable(source, error) from error


def _write(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:  # a disk that is nearly full takes a part and refuses the next
        rest = rest[os.write(descriptor, rest) :]


def _make_readable(file: Path) -> None:
    program = file.stat().st_mode & stat.S_IXUSR
    file.chmod(_READ_FOLDER if program else _READ_FILE)
