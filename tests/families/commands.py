"""Running commands within a time limit, and telling what they said when they fail.

A command gets a session of its own, so that nothing it started outlives it when its time is up.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 3000
"""Characters of a failed command's output that are shown: the end, where the reason is."""


class CommandError(Exception):
    """A command that failed or ran out of time."""


class OutOfTimeError(Exception):
    """The whole run's time is up."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the whole run must be over, on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """This many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            OutOfTimeError: none are.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        return left


def run(
    command: Sequence[str | Path],
    *,
    deadline: Deadline,
    limit: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    statuses: Sequence[int] = (0,),
) -> str:
    """Run a command and return its standard output.

    Args:
        command: the program and its arguments.
        deadline: the whole run's.
        limit: seconds that this command may take.
        cwd: where it runs.
        env: its whole environment; None is this process's.
        statuses: the exit statuses that are none of a failure.

    Raises:
        CommandError: it failed, or took longer than `limit`.
        OutOfTimeError: the deadline came first.
    """
    shown = " ".join(map(str, command))
    seconds = min(limit, deadline.remaining())
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
            out, err = process.communicate(timeout=seconds)
        except BaseException as interruption:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(interruption, subprocess.TimeoutExpired):
                raise
            deadline.remaining()
            raise CommandError(f"`{shown}` took longer than {limit:.0f} s") from None
    if process.returncode not in statuses:
        said = f"{out}\n{err}".strip()[-_SHOWN:]
        raise CommandError(f"`{shown}` ended with status {process.returncode}:\n{said}")
    return out
