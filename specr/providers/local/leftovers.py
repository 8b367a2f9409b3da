"""Processes that belong to an object but that its folder does not lead to any more.

There are some when a supervisor was killed, when a program detached itself from its group, or
when the folder was removed by hand. They are known by the marks in their environment, which
no stranger carries. This is the only look at processes that are not ours, and it is slow.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Final

import psutil

from specr.providers.local.marks import Marks

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
    _, alive = psutil.wait_procs(found, timeout=grace)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=_KILLED)


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
