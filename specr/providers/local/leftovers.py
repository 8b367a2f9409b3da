"""Processes that belong to an object but that its folder does not lead to any more.

There are some when a supervisor was killed, when a program detached itself from its group, or
when the folder was removed by hand. They are known by the marks in their environment, which
no stranger carries. This is the only look at processes that are not ours, and it is slow.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import psutil

from specr.providers.local.marks import Marks

_LOOK: Final = 0.02
"""Seconds between two looks at processes that are to end."""

_KILLED: Final = 2.0
"""Seconds that killed processes get to be gone."""


def find_leftovers(marks: Marks) -> list[psutil.Process]:
    """All processes that carry these marks, but for this one and its parents."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in _processes() if process.pid not in own and _carries(process, marks)]


def end_leftovers(marks: Marks, grace: float) -> None:
    """End them: politely, and after `grace` seconds by force."""
    found = find_leftovers(marks)
    for process in found:
        _quietly(process.terminate)
    for process in _await(found, grace):
        _quietly(process.kill)
    _await(found, _KILLED)


def _await(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until processes have ended, and return those that have not."""
    deadline = time.monotonic() + seconds
    while (alive := [p for p in processes if not _has_ended(p)]) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return alive


def _has_ended(process: psutil.Process) -> bool:
    """Whether it runs no longer; one that its parent has not taken note of has ended too."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _processes() -> Iterator[psutil.Process]:
    uid = os.getuid()
    for process in psutil.process_iter():
        try:
            if process.uids().real == uid:
                yield process
        except psutil.Error:
            continue


def _carries(process: psutil.Process, marks: Marks) -> bool:
    try:
        env = process.environ()
    except (psutil.Error, OSError):
        return False
    return marks.are_in(env)


def _quietly(end: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.Error):
        end()
