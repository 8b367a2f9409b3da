"""What is wrong with a state file, in words: what, where, why, and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from specr.backends.protocol import LockInfo
from specr.backends.sqlite_format import EmptyFileError, ForeignFileError
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.state.codec import DamagedStateError, NewerStateError
from specr.workfolder import why_unwritable

_PRIMARY_CODE: Final = 0xFF  # SQLite's extended result codes keep the primary one in their lowest byte

_RESTORE: Final = "Put a copy of it back, or move it away to start with an empty state."
_REPLACE: Final = (
    "Put a copy of the state back. To begin with an empty one, which knows nothing of what runs already, "
    "remove the file."
)
_PERMIT: Final = "Give yourself read and write permission on the file and on its folder."
_ELSEWHERE: Final = "Make it writable, or set backend.path in the Project to a file that you may write."
_FREE: Final = "Free space on the disk, then do it again: what was written so far is recorded."

_SUMMARIES: Final = {
    sqlite3.SQLITE_NOTADB: ("Not a state file", "Name another file in backend.path, or move this one away."),
    sqlite3.SQLITE_CORRUPT: ("Damaged state file", _RESTORE),
    sqlite3.SQLITE_FULL: ("No space left for the state", _FREE),
    sqlite3.SQLITE_BUSY: (
        "State file in use",
        "Try again; if it stays so, find the process that has it open: fuser FILE",
    ),
    sqlite3.SQLITE_READONLY: ("No permission on the state file", _PERMIT),
    sqlite3.SQLITE_PERM: ("No permission on the state file", _PERMIT),
    sqlite3.SQLITE_CANTOPEN: ("No permission on the state file", _PERMIT),
    sqlite3.SQLITE_IOERR: ("Disk error at the state file", "Check the disk and the file system's messages."),
}
"""By SQLite's primary result code: what is wrong, and what to do. Anything else is damage."""

_NO_RIGHT: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN})

_MAY_BE_SPACE: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL})
"""What SQLite says where the log or its index, shared memory in a file, can't grow."""

_ENOUGH: Final = 128 * 1024
"""Bytes. The index grows by 32 KiB, the log by a few pages."""

_OF_ERRNO: Final = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EBUSY: sqlite3.SQLITE_BUSY,
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EPERM: sqlite3.SQLITE_PERM,
    errno.EROFS: sqlite3.SQLITE_PERM,
    errno.EISDIR: sqlite3.SQLITE_NOTADB,
    errno.ENOTDIR: sqlite3.SQLITE_NOTADB,
}


@contextmanager
def explained(path: Path, *, writing: bool = False) -> Iterator[None]:
    """Rebuild whatever goes wrong with a file as a DiagnosticError."""
    try:
        yield
    except (sqlite3.Error, OSError, ForeignFileError, DamagedStateError) as error:
        raise DiagnosticError(diagnose(error, path, writing=writing)) from error


def diagnose(error: Exception, path: Path, *, writing: bool) -> Diagnostic:
    """Say what an error means for the state in this file."""
    begin = f"The state in {path} can't be {'written' if writing else 'read'}"
    match error:
        case EmptyFileError():
            detail = f"{path} has no bytes to speak of: what it recorded, if anything, is lost."
            return Diagnostic("State file is empty", detail, _REPLACE)
        case ForeignFileError():
            remedy = _SUMMARIES[sqlite3.SQLITE_NOTADB][1]
            return Diagnostic("Not a state file", f"{path} holds no state: {error}.", remedy)
        case NewerStateError():
            return Diagnostic("State of a newer format", f"{begin}: {error}.", "Upgrade specr.")
        case sqlite3.Error():
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY_CODE
        case OSError(errno=int(number)):
            code = _OF_ERRNO.get(number, sqlite3.SQLITE_IOERR)
        case _:
            code = sqlite3.SQLITE_CORRUPT
    if code in _MAY_BE_SPACE and _is_full(path):
        return Diagnostic(
            "No space left for the state", f"{begin}: no space is left on its disk ({error}).", _FREE
        )
    summary, remedy = _SUMMARIES.get(code, _SUMMARIES[sqlite3.SQLITE_CORRUPT])
    if writing and code in _NO_RIGHT and (why := why_unwritable(path.parent)):
        return Diagnostic(summary, f"{begin}: {why}.", _ELSEWHERE)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Diagnostic(summary, f"{begin}: {reason}.", remedy)


def _is_full(path: Path) -> bool:
    """Whether the disk of a file has too little space, or no names, left for what SQLite keeps beside it."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False  # then space is not what is wrong
    blocks = disk.f_bavail if os.geteuid() else disk.f_bfree
    return blocks * disk.f_frsize < _ENOUGH or (disk.f_files > 0 and disk.f_ffree == 0)


def replaced_file(path: Path) -> DiagnosticError:
    """The file at the path is not the one that was opened."""
    detail = f"{path} was removed or replaced while specr was using it; nothing more is written."
    remedy = "Put the former file back, then plan again: what was being done may not be recorded."
    return DiagnosticError(Diagnostic("State file replaced", detail, remedy))


def upgrade_blocked(path: Path, info: LockInfo) -> DiagnosticError:
    """The format is older, and someone is at work on the state."""
    detail = (
        f"{path} is in an older format, and can't be upgraded while {info.holder} holds the lock "
        f"({info.operation}, since {info.acquired})."
    )
    remedy = f"Try again when that is over, or, if that process is gone: specr force-unlock {info.id}"
    return DiagnosticError(Diagnostic("State locked during upgrade", detail, remedy))


def no_shared_log(path: Path, mode: str) -> DiagnosticError:
    """The file system can't do what a write-ahead log needs."""
    detail = f"The file system of {path} offers no memory shared by processes; SQLite fell back to {mode!r}."
    remedy = "Keep the state on a local disk: set backend.path in the Project."
    return DiagnosticError(Diagnostic("Unfit file system for the state", detail, remedy))
