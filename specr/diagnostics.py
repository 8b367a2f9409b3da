"""Diagnostics: what is wrong, where, why, and what to do, as plain values.

Checks return them, callers collect and sort them, and they are shown together.
Nothing here prints or raises on its own account.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address

Path = tuple[str | int, ...]
"""The way from a document's root to a value in it: keys and list positions."""


class Severity(IntEnum):
    """How bad it is. An error stops what was asked for; a warning does not."""

    ERROR = 0
    WARNING = 1
    INFO = 2


class Span(Struct, frozen=True, order=True):
    """A stretch of one line in a file. Lines and columns count from 1, in characters."""

    file: str
    line: int
    column: int
    width: int = 1


class Diagnostic(Struct, frozen=True):
    """One finding.

    `summary` is a fixed phrase without names from the user's files; `detail` names
    them; `remedy` is a command to run or a change to make. `path` leads to the cause
    inside the document of `address`; whoever holds the documents turns both into
    `span` and `excerpt` (the text of the line that `span` lies on).
    With `at_key`, the key at the end of the path is to blame, not its value.
    `notes` are further lines shown as they are, such as a log's last lines.
    """

    summary: str
    detail: str
    remedy: str = ""
    severity: Severity = Severity.ERROR
    address: Address | None = None
    path: Path = ()
    span: Span | None = None
    excerpt: str = ""
    notes: tuple[str, ...] = ()
    at_key: bool = False

    @property
    def is_error(self) -> bool:
        """Whether this finding stops what was asked for."""
        return self.severity is Severity.ERROR

    def with_location(self, span: Span, excerpt: str) -> Diagnostic:
        """The same finding, with the place it was found at."""
        return replace(self, span=span, excerpt=excerpt)


class DiagnosticError(Exception):
    """Carries diagnostics to whoever shows them; raised where going on makes no sense."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{d.summary}: {d.detail}" for d in diagnostics))
        self.diagnostics = diagnostics


def sorted_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Order findings for showing: by place, then severity, then text; duplicates once."""

    def key(d: Diagnostic) -> tuple[object, ...]:
        span = d.span or Span("", 0, 0)
        return (span, d.severity, str(d.address or ""), tuple(map(str, d.path)), d.summary, d.detail)

    return tuple(sorted(dict.fromkeys(diagnostics), key=key))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any finding is an error."""
    return any(d.is_error for d in diagnostics)


def did_you_mean(word: str, candidates: Iterable[str], *, likeness: float = 0.6) -> str:
    """`Did you mean x?` for the candidate closest to a word, or an empty string.

    `likeness` is from 0 to 1, the share of the letters that two words have in common.
    """
    import difflib  # noqa: PLC0415 - for mistakes only

    close = difflib.get_close_matches(word, sorted(set(candidates)), n=1, cutoff=likeness)
    return f"Did you mean {close[0]}?" if close else ""
