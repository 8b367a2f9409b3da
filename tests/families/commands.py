"""Running commands within a time limit, and telling what they said when they fail.

A command gets a session of its own, so that nothing it started outlives it when its time is up.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_SHOWN: Final = 3000
"""Characters of a failed command's output that are shown: the end, where the reason is."""
_SLICE: Final = 0.5
"""Seconds after which a waiting thread looks whether the run was called off."""


class CommandError(Exception):
    """A command that failed or ran out of time."""


class OutOfTimeError(Exception):
    """The whole run's time is up, or it was called off."""


class Deadline:
    """When the whole run must be over. May be asked by several threads."""

    def __init__(self, seconds: float) -> None:
        """Begin a run that may take this many seconds."""
        self._at = time.monotonic() + seconds
        self._called_off = threading.Event()

    def call_off(self) -> None:
        """Let it be over now."""
        self._called_off.set()

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            OutOfTimeError: none are.
        """
        left = self._at - time.monotonic()
        if left <= 0 or self._called_off.is_set():
            raise OutOfTimeError
        return left


def run(
    command: Sequence[str | Path],
    *,
    deadline: Deadline,
    limit: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return its standard output.

    Args:
        command: the program and its arguments.
        deadline: the whole run's.
        limit: seconds that this command may take.
        cwd: where it runs.
        env: its whole environment; None is this process's.

    Raises:
        CommandError: it is not there, failed, or took longer than `limit`.
        OutOfTimeError: the deadline came first.
    """
    shown = " ".join(map(str, command))
    deadline.remaining()
    if shutil.which(command[0]) is None:
        raise CommandError(f"there is no program {command[0]}; `make check` installs what the tests need")
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = _wait(process, deadline, limit, shown)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        said = f"{out}\n{err}".strip()[-_SHOWN:]
        raise CommandError(f"`{shown}` ended with status {process.returncode}:\n{said}")
    return out


def _wait(process: subprocess.Popen[str], deadline: Deadline, limit: float, shown: str) -> tuple[str, str]:
    """What a process printed, once it has ended."""
    late = time.monotonic() + limit
    while time.monotonic() < late:
        try:
            return process.communicate(timeout=min(_SLICE, deadline.remaining()))
        except subprocess.TimeoutExpired:
            continue
    raise CommandError(f"`{shown}` took longer than {limit:.0f} s")
