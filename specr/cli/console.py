"""The two streams: answers on stdout, everything else on stderr; colour where it is wanted.

Nothing here knows what is being said.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO, cast

if TYPE_CHECKING:
    from specr.diagnostics import Diagnostic

_WIDEST: Final = 140
_NARROW_DEFAULT: Final = 100


class ReaderGoneError(Exception):
    """Whoever read the answer has gone, as `head` does when it has enough."""


class AnswerLostError(Exception):
    """What was asked for can't be written to standard output; the message says why."""


class Console(NamedTuple):
    """Where to write, and whether in colour. `colour` is False where `--no-color` was given."""

    colour: bool = True

    def answer(self, text: str) -> None:
        """Write what was asked for.

        Raises:
            ReaderGoneError: nobody reads it any more.
            AnswerLostError: it can't be written.
        """
        sys.stdout.write(text)
        sys.stdout.flush()

    def answer_json(self, value: Any) -> None:
        """Write what was asked for, as JSON for people and programs."""
        from specr.canonical import encode_pretty

        self.answer(encode_pretty(value))

    def tell(self, text: str) -> None:
        """Write something beside the answer: progress, a notice."""
        sys.stderr.write(text)
        sys.stderr.flush()

    def show(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write findings, each followed by an empty line."""
        found = tuple(diagnostics)
        if not found:
            return
        from specr.render.diagnostics import render_diagnostic

        for diagnostic in found:
            self.tell(f"{render_diagnostic(diagnostic, colour=self.stderr_colour)}\n")

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
        return min(_columns() or _NARROW_DEFAULT, _WIDEST)

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


class _Answers:
    """Standard output, whoever writes there: click writes help and the version by itself.

    Raises ReaderGoneError and AnswerLostError where the stream fails, which is no bug of specr.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _told_apart():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told_apart():
            self._stream.flush()


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    except OSError as error:
        raise AnswerLostError(error.strerror or str(error)) from error


def prepare_streams() -> None:
    """Let no character of a message be the reason that it isn't shown, and no closed stream a failure.

    What can't be written to standard output is told as that from here on.
    """
    # Python has no object for a stream that its parent closed: what is written there is meant for nobody
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout = cast("TextIO", _Answers(sys.stdout))  # all of it, though not by inheritance


def _nowhere() -> TextIO:
    """A stream that keeps nothing, open until the program ends."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _columns() -> int:
    """Columns of the terminal, 0 where nobody knows; `shutil` knows too, but takes long to import."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns
    except (OSError, ValueError):
        return 0
