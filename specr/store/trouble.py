"""What a store tells when it can't do what was asked, in plain words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.store.content import shown

_NO_SPACE: Final = "Free some space on that disk, then run the command again."
_NO_RIGHT: Final = (
    "Allow the user that runs specr to write there, or set another `store.path` in the Project."
)
_NO_FOLDER: Final = "Move what is in the way, or set another `store.path` in the Project."
_REMEDIES: Final = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
}


@contextmanager
def disk_errors(root: Path) -> Iterator[None]:
    """Turn what the disk refuses into a diagnostic."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else root
        raise DiagnosticError(
            Diagnostic(
                "The store can't be used",
                f"{shown(place)}: {error.strerror or error}.",
                _REMEDIES.get(error.errno or 0, "Check that the disk is sound and attached."),
            ),
        ) from error


def damaged(place: Path, digest: str, *, is_gone: bool) -> DiagnosticError:
    """Say that content is not what its name says; `is_gone` once it was taken out of the store."""
    detail = f"{shown(place)} no longer has the digest {digest}: something other than specr changed it."
    remedy = f"Remove it (`chmod -R u+w {shown(place)}; rm -r {shown(place)}`) and run `specr apply` again."
    if is_gone:
        detail += " It was taken out of the store."
        remedy = "Run `specr apply`: it brings the content back."
    return DiagnosticError(Diagnostic("Content in the store is damaged", detail, remedy))


def left_behind(place: Path, error: OSError) -> DiagnosticError:
    """Say that something which nobody needs can't be removed."""
    return DiagnosticError(
        Diagnostic(
            "Not all could be freed",
            f"{shown(place)} holds what can't be removed: {error.strerror or error}. "
            "Everything else that nobody needs was freed.",
            "Remove it by hand, as its owner.",
        ),
    )


def unexpected(content: Path, digest: str, expected: str) -> DiagnosticError:
    """Say that content has another digest than was said."""
    return DiagnosticError(
        Diagnostic(
            "Content has another digest than expected",
            f"{shown(content)} has the digest {digest}, not {expected}.",
            "If it was meant to change, plan again, and correct the artifact's `digest` if it has one.",
        ),
    )
