"""Folders of downloads that may be taken up by a later process, one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.workfolder import ensure_work_folder

_FORGET_AFTER: Final = 7 * 86_400
"""Seconds after which what nobody took up is removed."""


@contextmanager
def kept_folder(folder: Path, key: str) -> Iterator[Path]:
    """A folder that stays until it is moved away, with what an earlier process left in it.

    Raises:
        DiagnosticError: another process is at it, or the disk refuses.
    """
    try:
        ensure_work_folder(folder)
        _forget_old(folder)
        with _claimed(folder / f"{key}.lock"):
            place = folder / key
            place.mkdir(exist_ok=True)
            os.utime(place)
            yield place
    except OSError as error:
        raise DiagnosticError(
            Diagnostic(
                "A download can't be kept",
                f"{error.filename or folder}: {error.strerror or error}.",
                "Make sure that there is space and that you may write there, then run the command again.",
            ),
        ) from error


def move_to(place: Path, target: Path) -> None:
    """Move the whole to its place, also to another disk."""
    shutil.move(place, target)


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DiagnosticError(
                Diagnostic(
                    "Another process fetches the same",
                    f"{path} is locked by another process.",
                    "Wait until it has finished, then run the command again.",
                ),
            ) from None
        except OSError:
            pass  # a file system without locks
        yield


def _forget_old(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process does the same
            if path.stat().st_mtime < time.time() - _FORGET_AFTER:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
