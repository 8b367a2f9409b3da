"""Meets a command of specr in the middle of its work, however fast the machine is."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

Begun = subprocess.Popen[bytes]


def wait_for_words(process: Begun, log: Path, words: str, seconds: float = 180.0) -> None:
    """Wait until a command that writes to a log has said something. It must not have ended before."""
    deadline = time.monotonic() + seconds
    while words not in (said := log.read_text(errors="replace")):
        assert process.poll() is None, f"it ended and never said {words!r}: {said}"
        assert time.monotonic() < deadline, f"it has not said {words!r} so far: {said}"
        time.sleep(0.02)


def kill_at_work(begin: Callable[[int], Begun], seconds: float) -> None:
    """Kill a command after so many seconds; where it was over by then, another one, sooner.

    `begin` starts one, with something to do each time, and is told how many were over.
    """
    for over in range(5):
        process = begin(over)
        time.sleep(seconds / 2**over)
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            return
    raise AssertionError(f"it never takes as long as {seconds / 16:.2f} s")
