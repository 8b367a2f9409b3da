"""The two streams of the program, and what becomes of an answer that can't be written.

Every command line begins with this module, so it imports nothing that takes long, `typing` included.
"""

from __future__ import annotations

import os
import sys

from specr.cli.exits import BROKEN_PIPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TextIO


class ReaderGoneError(Exception):
    """Whoever read the answer has gone, as `head` does when it has enough."""


class AnswerLostError(Exception):
    """What was asked for can't be written to standard output; the message says why."""


class _Answers:
    """Standard output, whoever writes there: click writes help and the version by itself.

    Raises ReaderGoneError and AnswerLostError where the stream fails, which is no bug of specr.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise _told(error) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise _told(error) from error


def _told(error: OSError) -> Exception:
    """What a failure of standard output means."""
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError()
    return AnswerLostError(error.strerror or str(error))


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
    sys.stdout = _Answers(sys.stdout)  # it is all of one, though not by inheritance


def write_answer(text: str) -> None:
    """Write what was asked for to standard output.

    Raises:
        ReaderGoneError: nobody reads it any more.
        AnswerLostError: it can't be written.
    """
    sys.stdout.write(text)
    sys.stdout.flush()


def write_beside(text: str) -> None:
    """Write something beside the answer, to standard error."""
    sys.stderr.write(text)
    sys.stderr.flush()


def answering(act: Callable[[], int]) -> int:
    """Do something that answers; return its exit code, or that of an answer which could not be written."""
    try:
        return act()
    except ReaderGoneError:
        _silence_stdout()
        return BROKEN_PIPE
    except AnswerLostError as error:
        _silence_stdout()
        write_beside(f"Error: Output is lost: {error}. Write it elsewhere; what was done is recorded.\n")
        return 1


def _silence_stdout() -> None:
    """Nobody reads stdout any more: let the interpreter's last flush go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _nowhere() -> TextIO:
    """A stream that keeps nothing, open until the program ends."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - pathlib is slow to import
