"""What a runtime says on standard error. Whether anybody reads it makes no difference to what is served."""

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path


def say(line: str) -> None:
    """One line of the server's own."""
    _write(f"specr-scorer: {line}\n")


def log_failure(failure: BaseException) -> None:
    """Show an exception with its traceback in the runtime's log, where its author looks."""
    _write("".join(traceback.format_exception(failure)))


def provide_streams() -> None:
    """Open what stands for standard output and error where the process was started without them."""
    nowhere = Path(os.devnull)
    sys.stdout = sys.stdout or nowhere.open("w")
    sys.stderr = sys.stderr or nowhere.open("w")


def flush_streams() -> None:
    """Write out what models printed, for a process that is about to end."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()


def _write(text: str) -> None:
    with suppress(OSError):  # nobody reads it any more, and there is no other place to say so
        sys.stderr.write(text.encode("utf-8", "backslashreplace").decode())
        sys.stderr.flush()
