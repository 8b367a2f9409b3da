"""The folder of downloads that a later process may take up: errors of its disk, its lock, and forgetting."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.workfolder import ensure_work_folder

_FORGET_AFTER: Final = 7 * 86_400
"""Seconds after which a beginning that nobody took up is removed."""


@contextmanager
def downloads_in(folder: Path) -> Iterator[None]:
    """Have the folder ready, without what nobody took up.

    Raises:
        DiagnosticError: the disk refuses, now or in what is done meanwhile.
    """
    try:
        ensure_work_folder(folder)
        _forget_old(folder)
        yield
    except OSError as error:
        raise DiagnosticError(
            Diagnostic(
                "A download can't be kept",
                f"{error.filename or folder}: {error.strerror or error}.",
                "Make sure that there is space and that you may write there, then run the command again.",
            ),
        ) from error


def claim(file: IO[bytes], path: Path) -> None:
    """Lock an open file for this process, as long as it is open. A file system without locks has none.

    Raises:
        DiagnosticError: another process has it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DiagnosticError(
            Diagnostic(
                "Another process fetches the same",
                f"{path} is being written to by another process.",
                "Wait until it has finished, then run the command again.",
            ),
        ) from None
    except OSError:
        pass


def _forget_old(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process does the same
            if path.stat().st_mtime < time.time() - _FORGET_AFTER:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
