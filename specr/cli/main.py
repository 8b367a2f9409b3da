"""Where the program `specr` begins and ends.

Imports what every command needs and nothing else: the version is told without what the others are
made of, which takes most of the time that a short command does.
"""

from __future__ import annotations

import sys

from specr.cli import version
from specr.cli.startup import end_sooner, start_sooner
from specr.cli.streams import answering, prepare_streams


def main() -> None:
    """The program's entry point."""
    prepare_streams()
    start_sooner()
    arguments = sys.argv[1:]
    if version.is_all_asked(arguments):
        code = answering(version.tell)
    else:
        from specr.cli.program import run

        code = run(arguments)
    end_sooner()
    sys.exit(code)
