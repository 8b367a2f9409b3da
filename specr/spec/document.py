"""Documents: the pieces of YAML that files are made of, and what is found in them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from specr.diagnostics import Diagnostic, Span
from specr.spec.fault import Fault

_LONGEST_EXCERPT = 2_000
"""Characters. A longer line is not shown: its place is told all the same."""


class Document(Struct, frozen=True):
    """One YAML document of a file."""

    file: str
    """The file's path in its tree."""

    index: int
    """Position in the file, from 0."""

    line: int
    """The line of the file, from 0, that `text` begins on."""

    text: str
    """The document's own text, with line feeds only."""

    value: Any = None
    """What the text means; JSON, but that `spec.versions` may have integers for keys."""

    pack: str = ""
    """The pack that the file belongs to; empty for the project's own."""

    @property
    def first_line(self) -> int:
        """The line of the text, from 0, that its first value begins on."""
        for number, line in enumerate(self.text.split("\n")):
            stripped = line.strip()
            if stripped and not stripped.startswith("#") and stripped != "---":
                return number
        return 0

    @property
    def shown_file(self) -> str:
        """The file as people are told it."""
        return shown_path(self.file, self.pack)


class Finding(Struct, frozen=True):
    """A diagnostic, and the document that its path leads into."""

    document: Document
    diagnostic: Diagnostic


def shown_path(file: str, pack: str = "") -> str:
    """A file's path as people are told it; bytes that are no UTF-8 are shown as escapes."""
    path = file.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return f"<pack {pack}>/{path}" if pack else path


def diagnose(fault: Fault, document: Document) -> Diagnostic:
    """A fault in a document's text as a diagnostic with its place in the file."""
    line, column = fault.place
    excerpt = excerpt_of(document.text, line)
    detail = fault.detail
    if fault.earlier is not None:
        sentence, other = fault.earlier
        if excerpt.strip():
            detail += f" {sentence} on line {document.line + other[0] + 1}."
        else:
            line, column = other
    elif document.text and not excerpt.strip() and line >= document.text.count("\n"):
        kept = document.text.rstrip()
        line, column = kept.count("\n"), max(0, len(kept) - kept.rfind("\n") - 2)
    excerpt = excerpt_of(document.text, line)
    span = Span(document.shown_file, document.line + line + 1, column + 1, fault.width)
    remedy = fault.remedy
    if fault.is_syntax and "${" in excerpt:
        remedy = "Inside braces or brackets, put quotes round text with `${…}`, whose brace would end them."
    return Diagnostic(fault.summary, detail, remedy).with_location(span, excerpt)


def excerpt_of(text: str, line: int) -> str:
    """The text of one line, counted from 0; empty for lines too long to show."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
        if start == 0:
            return ""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    return text[start:end] if end - start <= _LONGEST_EXCERPT else ""
