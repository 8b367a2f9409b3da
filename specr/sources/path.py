"""Files and folders on this machine: paths and `file://` URLs.

A relative path starts at the folder the caller names. `~` is not expanded: a spec must mean
the same whoever runs it. Content is never copied here; it is used where it lies.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.protocol import Digests, Resolved
from specr.workfolder import WORK_FOLDER

_SCHEME: Final = "file:"


class PathSource:
    """Content that lies on this machine. Fulfils `Source`; see there for what each method promises."""

    def __init__(self, digests: Digests) -> None:
        self._digests = digests

    def resolve(self, reference: str, base: Path) -> Resolved:
        """See `Source`. The digest is always known; a link given as the path is followed."""
        path = base / _path_in(reference)
        if not _exists(path):
            raise DiagnosticError(_missing(path, base, reference))
        _refuse_work_folder(path, base, reference)
        digest, size = self._digests.measure(path)
        if size == 0:
            raise DiagnosticError(_empty(reference))
        return Resolved(digest, size, path=path, described=reference)

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:  # noqa: ARG002 - the Protocol's
        """See `Source`. Nothing is brought anywhere: `target` stays unused."""
        if resolved.path is None or not _exists(resolved.path):
            raise DiagnosticError(_gone(reference))
        return resolved.path


def _path_in(reference: str) -> str:
    """The path that a reference names, relative or absolute."""
    if reference.lower().startswith(_SCHEME):
        return _path_in_url(reference)
    if reference.startswith("~"):
        raise DiagnosticError(
            Diagnostic(
                "Home folders are not expanded",
                f"{reference} would be another folder for everyone who runs specr.",
                "Write a path relative to the spec's folder, or an absolute one.",
            ),
        )
    return _without_nul(reference, reference)


def _path_in_url(reference: str) -> str:
    try:
        parts = urlsplit(reference)
    except ValueError as error:
        raise DiagnosticError(_no_file_url(reference, f"is malformed: {error}")) from None
    flaw = ""
    if parts.netloc.lower() not in ("", "localhost"):
        flaw = f"names the machine {parts.netloc}; only files of this machine can be read"
    elif parts.query or parts.fragment:
        flaw = "has a ? or # in it, which is written %3F or %23 in a file's name"
    elif not parts.path.startswith("/"):
        flaw = "has no absolute path"
    if flaw:
        raise DiagnosticError(_no_file_url(reference, flaw))
    return _without_nul(unquote(parts.path), reference)


def _no_file_url(reference: str, flaw: str) -> Diagnostic:
    return Diagnostic(
        "Not a file URL", f"{reference} {flaw}.", "Write `file:///folder/name`, or a plain path."
    )


def _without_nul(path: str, reference: str) -> str:
    if "\0" in path:
        raise DiagnosticError(
            Diagnostic("Not a path", f"{reference!r} holds a NUL, which no path can.", "Remove it.")
        )
    return path


def _exists(path: Path) -> bool:
    """Whether there is something; what may not be looked at is left to whoever reads it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, RuntimeError):
        return True
    return True


def _refuse_work_folder(path: Path, base: Path, reference: str) -> None:
    """Refuse a folder that holds specr's own files: it would be other bytes after every command."""
    if not path.is_dir():
        return
    work = (base / WORK_FOLDER).resolve()
    if work.is_relative_to(path.resolve()):
        raise DiagnosticError(
            Diagnostic(
                "Artifact holds the project",
                f"The source {reference} is the project's own folder, or one around it.",
                "Put the artifact into a folder of its own, and name that one.",
            ),
        )


def _missing(path: Path, base: Path, reference: str) -> Diagnostic:
    """Say that there is nothing, and name what lies there under a name like it."""
    wrong = path
    while not wrong.parent.is_dir() and wrong.parent != wrong:
        wrong = wrong.parent
    close = _closest(wrong)
    remedy = "Correct the path, or put the artifact there. Relative paths start at the spec's folder."
    if close is not None:
        meant = close / path.relative_to(wrong)
        is_relative = not Path(reference).is_absolute() and not reference.lower().startswith(_SCHEME)
        remedy = f"Did you mean {os.path.relpath(meant, base) if is_relative else meant}?"
    return Diagnostic("Artifact source not found", f"There is nothing at {reference}.", remedy)


def _closest(wrong: Path) -> Path | None:
    """What lies beside a path that does not exist, under the name most like its own."""
    try:
        names = sorted(entry.name for entry in wrong.parent.iterdir() if not entry.name.startswith("."))
    except OSError:
        return None
    same = [name for name in names if name.lower() == wrong.name.lower()]
    close = same or difflib.get_close_matches(wrong.name, names, n=1)
    return wrong.parent / close[0] if close else None


def _empty(reference: str) -> Diagnostic:
    return Diagnostic(
        "Artifact source is empty",
        f"{reference} holds not a single byte.",
        "Put the artifact there, or correct the path.",
    )


def _gone(reference: str) -> Diagnostic:
    return Diagnostic(
        "Artifact source not found",
        f"{reference} was there when it was looked up, and is no longer.",
        "Put it back, or plan again.",
    )
