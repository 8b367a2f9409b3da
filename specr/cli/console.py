"""The two streams: answers on stdout, everything else on stderr; colour where it is wanted.

Nothing here knows what is being said.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from specr.cli.streams import write_answer, write_beside

if TYPE_CHECKING:
    from specr.diagnostics import Diagnostic

_WIDEST: Final = 140
_NARROW_DEFAULT: Final = 100


class Console(NamedTuple):
    """Where to write, and whether in colour. `colour` is False where `--no-color` was given."""

    colour: bool = True

    def answer(self, text: str) -> None:
        """Write what was asked for.

        Raises:
            ReaderGoneError: nobody reads it any more.
            AnswerLostError: it can't be written.
        """
        write_answer(text)

    def answer_json(self, value: Any) -> None:
        """Write what was asked for, as JSON for people and programs."""
        from specr.canonical import encode_pretty

        self.answer(encode_pretty(value))

    def tell(self, text: str) -> None:
        """Write something beside the answer: progress, a notice."""
        write_beside(text)

    def show(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write findings, each followed by an empty line."""
        found = tuple(diagnostics)
        if not found:
            return
        from specr.render.diagnostics import WIDEST, render_diagnostic

        width = (_columns(sys.__stderr__) or WIDEST) if sys.stderr.isatty() else WIDEST
        for diagnostic in found:
            self.tell(f"{render_diagnostic(diagnostic, colour=self.stderr_colour, width=width)}\n")

    @property
    def stdout_colour(self) -> bool:
        """Whether answers are coloured."""
        return self.colour and wants_colour(sys.stdout)

    @property
    def stderr_colour(self) -> bool:
        """Whether what stands beside them is."""
        return self.colour and wants_colour(sys.stderr)

    @property
    def is_live(self) -> bool:
        """Whether stderr is a terminal that can be drawn on."""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """Columns to fill."""
        return min(_columns(sys.__stdout__) or _NARROW_DEFAULT, _WIDEST)

    def confirms(self, question: str) -> bool:
        """Ask at the terminal; only `yes` is one."""
        self.tell(f"\n{question}\n  Only 'yes' will be accepted.\n\n> ")
        return sys.stdin.readline().strip() == "yes"


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream gets colours: NO_COLOR, then FORCE_COLOR, then what the stream is."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO | None) -> int:
    """Columns of a stream's terminal, 0 where nobody knows; `shutil` knows too, but takes long to import."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno() if stream else 1).columns
    except (OSError, ValueError):
        return 0
