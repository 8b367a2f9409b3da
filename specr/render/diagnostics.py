"""Diagnostics as text for people: what is wrong, where, why, and what to do.

Text from specs is shown with its control characters written as escapes. Nothing here
sorts, counts or chooses: all that is handed over is shown.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import Final

import click

from specr.diagnostics import Diagnostic, Severity, Span
from specr.render.text import neutral

WIDEST: Final = 100
"""Columns that excerpts and paragraphs are fitted into, where there is room for them."""

_NARROWEST: Final = 40
"""Columns that are filled however narrow a terminal is."""

_QUOTED: Final = re.compile(r"`[^`]{1,80}`")
_HELD: Final = "\ue000"
"""Stands for a space that may not be broken at; of a private area, so that no text holds it."""

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def render_diagnostic(diagnostic: Diagnostic, *, colour: bool = False, width: int = WIDEST) -> str:
    """One finding, as several lines that end in a newline, fitted into so many columns."""
    width = min(max(width, _NARROWEST), WIDEST)
    name = diagnostic.severity.name.capitalize()
    head = click.style(f"{name}:", fg=_COLOURS[diagnostic.severity], bold=True) if colour else f"{name}:"
    summary = neutral(diagnostic.summary)
    lines = [f"{head} {click.style(summary, bold=True) if colour else summary}"]
    span = diagnostic.span
    if span is not None:
        inside = f", in {diagnostic.address}" if diagnostic.address is not None else ""
        lines.append(f"  on {neutral(span.file)}:{span.line}:{span.column}{inside}")
        if diagnostic.excerpt.strip():
            lines += _excerpt(span, diagnostic.excerpt, width, colour=colour)
    elif diagnostic.address is not None:
        lines.append(f"  in {diagnostic.address}")
    lines += _paragraph(diagnostic.detail, width)
    lines += _paragraph(diagnostic.remedy, width)
    lines += [f"  | {neutral(note)}" for note in diagnostic.notes]
    return "\n".join(lines) + "\n"


def _paragraph(text: str, width: int) -> list[str]:
    """The text in lines of at most the width, its own line ends kept.

    What stands in backticks is kept on one line, as far as it fits: it is there to be copied.
    """
    lines: list[str] = []
    for line in text.splitlines():
        held = _QUOTED.sub(lambda quoted: _held(quoted[0], width), neutral(line))
        lines += textwrap.wrap(
            held, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
    return [line.replace(_HELD, " ") for line in lines]


def _held(quoted: str, width: int) -> str:
    """What stands in backticks, unbreakable if a line has room for it and a mark after it."""
    return quoted.replace(" ", _HELD) if len(quoted) + 3 <= width else quoted


def _excerpt(span: Span, text: str, columns: int, *, colour: bool) -> list[str]:
    """The line that the span lies on, and carets under the span.

    Of a long line, the part around the span is shown.
    """
    start, width = min(span.column - 1, len(text)), max(1, span.width)
    room = columns - 10
    first = max(0, min(start - room // 3, len(text) - room)) if len(text) > room else 0
    before = "…" if first else ""
    after = "…" if len(text) > first + room else ""
    end = min(start + width, max(first + room, start + 1))
    head, body, tail = (
        _shown(part) for part in (text[first:start], text[start:end], text[end : first + room])
    )
    gutter = f"{span.line:>5} | "
    carets = "^" * max(1, _columns(body))
    if colour:
        carets = click.style(carets, fg="red", bold=True)
    return [
        f"{gutter}{before}{head}{body}{tail}{after}".rstrip(),
        f"{' ' * (len(gutter) - 2)}| {' ' * (len(before) + _columns(head))}{carets}",
    ]


def _shown(text: str) -> str:
    return neutral(text.replace("\t", " "))


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    combining = sum(unicodedata.combining(character) != 0 for character in text)
    return len(text) + wide - combining
