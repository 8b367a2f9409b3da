"""What is said when a command fails: findings as they are, anything else as a bug in specr."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from specr.cli.console import Console

if TYPE_CHECKING:
    from specr.diagnostics import Diagnostic


def report(error: Exception, console: Console) -> None:
    """Show an error on stderr, with a traceback only where SPECR_LOG asks for it."""
    from specr.diagnostics import Diagnostic, DiagnosticError

    if isinstance(error, DiagnosticError):
        console.show(error.diagnostics)
        if len(error.diagnostics) > 1:
            console.tell(f"{_counts(error.diagnostics)}.\n")
        if _wants_traceback():
            console.tell(_traceback(error))
        return
    console.show(
        [
            Diagnostic(
                "Unexpected error",
                f"This is a bug in specr: {type(error).__name__}: {error}",
                "Run it again with SPECR_LOG=debug, which shows where it happened, and report it with that "
                "log. Recorded state is safe: `specr plan` says where things stand.",
            )
        ]
    )
    if _wants_traceback():
        console.tell(_traceback(error))


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
