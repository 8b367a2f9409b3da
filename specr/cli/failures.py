"""What is said when a command fails: findings as they are, anything else as a bug in specr."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from specr.cli.console import Console

if TYPE_CHECKING:
    from specr.diagnostics import Diagnostic

MOST: Final = 50
"""Findings that are shown at once: nobody reads more before mending some."""

_SHOWN: Final = 60
"""Characters of a name that are shown."""


def report(error: Exception, console: Console) -> None:
    """Show an error on stderr, with a traceback only where SPECR_LOG asks for it."""
    from specr.diagnostics import DiagnosticError

    if isinstance(error, DiagnosticError):
        show_findings(error.diagnostics, console)
        if len(error.diagnostics) > 1:
            console.tell(f"{_counts(error.diagnostics)}.\n")
        if _wants_traceback():
            console.tell(_traceback(error))
        return
    console.show([_impossible_name(error) or _bug(error)])
    if _wants_traceback():
        console.tell(_traceback(error))


def show_findings(diagnostics: Sequence[Diagnostic], console: Console) -> None:
    """Write what is wrong with specs on stderr: of very many findings the first, errors before all others."""
    shown = diagnostics
    if len(diagnostics) > MOST:
        chosen = sorted(range(len(diagnostics)), key=lambda n: diagnostics[n].severity)[:MOST]
        shown = [diagnostics[n] for n in sorted(chosen)]
    console.show(shown)
    if len(diagnostics) > len(shown):
        rest = len(diagnostics) - len(shown)
        console.tell(f"And {rest:,} more findings: `specr validate --json` tells all of them.\n")


def _impossible_name(error: Exception) -> Diagnostic | None:
    """What is said of a path that no file can have, wherever it was first looked at; else None."""
    from specr.diagnostics import Diagnostic

    if isinstance(error, OSError) and error.errno in {errno.ENAMETOOLONG, errno.ELOOP} and error.filename:
        name = str(error.filename)
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
        detail = f"{shown} can't be used: {error.strerror}."
        return Diagnostic("Not a path", detail, "Give another name or path.")
    return None


def _bug(error: Exception) -> Diagnostic:
    from specr.diagnostics import Diagnostic

    return Diagnostic(
        "Unexpected error",
        f"This is a bug in specr: {type(error).__name__}: {error}",
        "Run it again with SPECR_LOG=debug, which shows where it happened, and report it with that "
        "log. Recorded state is safe: `specr plan` says where things stand.",
    )


def _counts(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    from specr.render.words import counted

    kinds = Counter(diagnostic.severity for diagnostic in diagnostics)
    return ", ".join(counted(number, kind.name.lower()) for kind, number in sorted(kinds.items()))


def _traceback(error: Exception) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def _wants_traceback() -> bool:
    return os.environ.get("SPECR_LOG", "").lower() == "debug"
