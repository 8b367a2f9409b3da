"""What makes the program start and end sooner. Nothing here changes what it does."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 200_000
"""How many more objects there must be before the garbage collector looks: some tens of megabytes."""


def start_sooner() -> None:
    """Collect garbage seldom.

    Modules, classes and specs live as long as the program, so looking among them for garbage after
    every 700 new objects, as the interpreter does by itself, finds none.
    """
    gc.set_threshold(_NEW_OBJECTS, 30, 30)


def end_sooner() -> None:
    """Leave what is in memory to the system; for the very end, when only the exit code is left to give.

    The interpreter would look through all modules, classes and specs for what to free, piece by piece,
    which takes a tenth of the time of a small plan. What has to be done at an exit still is: streams are
    flushed, threads waited for, and whatever was registered for it is called.
    """
    gc.freeze()
