"""The version, told at once where a command line asks for nothing else.

Imports nothing that takes long. Whatever else is on the command line, or set, is for
`specr.cli.program`, which gives the same answer.
"""

from __future__ import annotations

import os

from specr import __version__
from specr.cli.streams import write_answer

_SPELLINGS = (["version"], ["--version"], ["-version"])


def is_all_asked(arguments: list[str]) -> bool:
    """Whether the version is asked for, with no option, no log, and from a folder that is there."""
    if arguments not in _SPELLINGS or os.environ.get("SPECR_LOG"):
        return False
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is slow to import
    except OSError:
        return False
    return True


def tell() -> int:
    """Write the version and return the exit code.

    Raises:
        ReaderGoneError, AnswerLostError: as `write_answer` does.
    """
    write_answer(f"specr {__version__}\n")
    return 0
