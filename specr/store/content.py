"""The digest of a file or folder: what "the same bytes" means to stores and sources.

The digest of a file is the SHA-256 of its bytes, as `sha256sum` prints it. That of a folder
depends on names, executable bits, bytes and links below it, and on nothing else: not on
times, owners, other permissions, the order on disk or the locale. It is computed from a
manifest, UTF-8 text made of

- `specr folder 1` and a NUL, then
- for each entry below the folder, in the order of their paths' bytes, one record
  `<mark> <hash> <path>` and a NUL. The path is relative, with `/` between names. The mark is
  `f` (a file), `x` (a file its owner may execute), `d` (a folder) or `l` (a link). The hash is
  the SHA-256, in hexadecimal digits, of a file's bytes or of a link's target text; a folder's is `-`.

The folder's digest is the SHA-256 of the manifest with every bit inverted. A file could
hold the manifest's own text, and so its plain SHA-256 would be that file's digest too; to
find a file with the inverted one, SHA-256 itself must be broken.

Links stay links: they must lead, by relative steps that never leave the folder, to something
in it. Names are compared as they are; no Unicode normalisation.

This module reads; it never writes and keeps nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple

from specr.diagnostics import Diagnostic, DiagnosticError

FILE: Final = "f"
PROGRAM: Final = "x"
FOLDER: Final = "d"
LINK: Final = "l"

_HEADER: Final = b"specr folder 1\0"
_LINK_STEPS: Final = 40
"""How many links in a row are followed; Linux stops at the same number."""
_REFUSED_SHOWN: Final = 20

_SPECIAL: Final = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Measure(NamedTuple):
    """What content is: its digest, and the size of all its files in bytes."""

    digest: str
    size: int


class Survey(NamedTuple):
    """A measure, and the hash of each file by its path below the content; a file alone has the path ""."""

    measure: Measure
    hashes: Mapping[str, str]


class Entry(NamedTuple):
    """One thing below a folder: its relative path, mark, status, and where it leads if it is a link."""

    path: str
    mark: str
    status: os.stat_result
    target: str = ""


HashFile = Callable[[Path, os.stat_result], str]
"""Gives the SHA-256 of a file, in hexadecimal digits, told its status."""


def hash_file(path: Path, _status: os.stat_result | None = None) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits. Reads it piece by piece.

    Raises:
        DiagnosticError: it can't be read, is no plain file, or changes meanwhile.
    """
    try:
        with open_file(path) as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            refuse_changed(path, before, os.fstat(file.fileno()))
    except OSError as error:
        raise unreadable(path, error) from error
    return digest


def measure(path: Path, hash_file: HashFile = hash_file) -> Measure:
    """The digest and size of a file or folder. A link given as the path itself is followed.

    Raises:
        DiagnosticError: it can't be read, or holds what has no digest (devices, sockets,
            pipes, links that lead out, names that are not UTF-8).
    """
    return survey(path, hash_file).measure


def survey(path: Path, hash_file: HashFile = hash_file) -> Survey:
    """What `measure` finds out, file by file. Raises the same."""
    real, status = locate(path)
    if not stat.S_ISDIR(status.st_mode):
        digest = hash_file(real, status)
        return Survey(Measure(f"sha256:{digest}", status.st_size), {"": digest})
    entries = list_entries(real)
    hashes = {e.path: hash_file(real / e.path, e.status) for e in files_of(entries)}
    return Survey(Measure(folder_digest(entries, hashes), size_of(entries)), hashes)


def locate(path: Path) -> tuple[Path, os.stat_result]:
    """The file or folder that a path leads to, links followed, and its status.

    Raises:
        DiagnosticError: there is nothing, or neither a file nor a folder.
    """
    try:
        real = path.resolve(strict=True)
        status = real.lstat()
    except (OSError, RuntimeError) as error:  # pathlib tells of circular links by a RuntimeError
        raise unreadable(path, error) from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise DiagnosticError(_refused(path, f"is {_special(status)}, neither a file nor a folder"))
    return real, status


def list_entries(folder: Path) -> tuple[Entry, ...]:
    """Everything below a folder, in the order of its manifest.

    Raises:
        DiagnosticError: it can't be read, or holds what has no digest; all of it is named.
    """
    found: dict[str, Entry] = {}
    refused: list[Diagnostic] = []
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        for item in _scan(folder, inside):
            path = f"{inside}/{item.name}" if inside else item.name
            entry = _entry(folder, item, path)
            if isinstance(entry, Diagnostic):
                refused.append(entry)
                continue
            found[path] = entry
            if entry.mark == FOLDER:
                waiting.append(path)
    links = (entry for entry in found.values() if entry.mark == LINK)
    refused += [_refused(folder / e.path, flaw) for e in links if (flaw := _link_flaw(found, e))]
    if refused:
        raise DiagnosticError(*sorted(refused, key=lambda d: d.detail)[:_REFUSED_SHOWN])
    return tuple(found[path] for path in sorted(found))  # code points sort as their UTF-8 does


def folder_digest(entries: Iterable[Entry], hashes: Mapping[str, str]) -> str:
    """The digest of a folder, told its entries in order and the hash of each file by path."""
    manifest = hashlib.sha256(_HEADER)
    for entry in entries:
        if entry.mark == LINK:
            content = hashlib.sha256(entry.target.encode()).hexdigest()
        else:
            content = "-" if entry.mark == FOLDER else hashes[entry.path]
        manifest.update(f"{entry.mark} {content} {entry.path}\0".encode())
    return "sha256:" + bytes(byte ^ 0xFF for byte in manifest.digest()).hex()


def files_of(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The files among entries."""
    return (entry for entry in entries if entry.mark in (FILE, PROGRAM))


def size_of(entries: Iterable[Entry]) -> int:
    """The bytes of all files among entries."""
    return sum(entry.status.st_size for entry in files_of(entries))


def open_file(path: Path) -> BufferedReader:
    """Open a plain file for reading; never waits on what has become a pipe meanwhile.

    Raises:
        OSError: it can't be opened, or is a link.
        DiagnosticError: it is no plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise DiagnosticError(_refused(path, f"is {_special(status)}, no plain file"))
    return os.fdopen(descriptor, "rb")


def refuse_changed(path: Path, before: os.stat_result, after: os.stat_result) -> None:
    """Refuse a file whose status shows that it was written to while it was read."""
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise DiagnosticError(
            Diagnostic(
                "Content changed while it was read",
                f"{shown(path)} was written to by another program meanwhile.",
                "Wait until nothing writes to it, then run the command again.",
            ),
        )


def unreadable(path: Path, error: Exception) -> DiagnosticError:
    """Say that a file or folder can't be read, and why, as the system tells it."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    place = error.filename if isinstance(error, OSError) and isinstance(error.filename, str) else path
    return DiagnosticError(
        Diagnostic(
            "Content can't be read",
            f"{shown(place)}: {reason}.",
            "Check that it exists and that you may read it.",
        ),
    )


def shown(path: Path | str) -> str:
    """A path as messages show it, whatever bytes its name holds."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _scan(folder: Path, inside: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder / inside) as found:
            return list(found)
    except OSError as error:
        raise unreadable(folder / inside, error) from error


def _entry(folder: Path, item: os.DirEntry[str], path: str) -> Entry | Diagnostic:
    try:
        status = item.stat(follow_symlinks=False)
        # Not Path.readlink, which rewrites the text that the digest is made of.
        target = os.readlink(item.path) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115
    except OSError as error:
        raise unreadable(Path(item.path), error) from error
    if not _is_text(path):
        return _refused(folder / path, "has a name that is not UTF-8")
    if not _is_text(target):
        return _refused(folder / path, "links to a name that is not UTF-8")
    if stat.S_ISREG(status.st_mode):
        return Entry(path, PROGRAM if status.st_mode & stat.S_IXUSR else FILE, status)
    if stat.S_ISDIR(status.st_mode):
        return Entry(path, FOLDER, status)
    if stat.S_ISLNK(status.st_mode):
        return Entry(path, LINK, status, target)
    return _refused(folder / path, f"is {_special(status)}")


def _link_flaw(found: Mapping[str, Entry], link: Entry) -> str:
    """What is wrong with where a link leads, or an empty string.

    Each step is taken by name, so that a way which leaves the folder and comes back in is
    found out: it would lead elsewhere once the folder has been copied.
    """
    at = link.path.split("/")[:-1]
    ahead = _steps(link.target)
    for _ in range(_LINK_STEPS):
        if ahead is None:
            return f"links to {link.target}, outside of the folder"
        while ahead:
            step = ahead.pop(0)
            if step == "..":
                if not at:
                    return f"links to {link.target}, outside of the folder"
                at.pop()
                continue
            entry = found.get("/".join([*at, step]))
            if entry is None or (ahead and entry.mark in (FILE, PROGRAM)):
                return f"links to {link.target}, which does not exist"
            if entry.mark == LINK:
                further = _steps(entry.target)
                ahead = None if further is None else [*further, *ahead]
                break
            at.append(step)
        else:
            return ""
    return f"links to {link.target}, which leads round in circles"


def _steps(target: str) -> list[str] | None:
    return None if target.startswith("/") else [s for s in target.split("/") if s not in ("", ".")]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _special(status: os.stat_result) -> str:
    return _SPECIAL.get(stat.S_IFMT(status.st_mode), "a special file")


def _refused(path: Path, flaw: str) -> Diagnostic:
    return Diagnostic(
        "Content that can't be kept",
        f"{shown(path)} {flaw}.",
        "Remove it, or put a plain file in its place.",
    )
