"""Runs: what has become of one process, and how to start and stop it.

Whether a process lives is told by the lock that its supervisor holds, never by a process
id alone: an id may have been given to a stranger since.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from specr.canonical import decode_json
from specr.providers.local.layout import RunFolder

SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")

Sleep = Callable[[float], None]
"""Waits for so many seconds."""

_LOOK: Final = 0.02
"""Seconds between two looks at processes that are to end."""

_STOPPING: Final = "stopping"
"""The file that says of a run that it was told to stop."""

_MARGIN: Final = 3.0
"""Seconds beyond its grace that a supervisor gets to stop what it watches."""


class Phase(Enum):
    """What has become of a run."""

    IDLE = "idle"
    """Nothing was ever started, or it was given up before."""
    ALIVE = "alive"
    """Its process runs, watched by its supervisor."""
    ENDED = "ended"
    """Its process has ended, and it is known how."""
    LOST = "lost"
    """It was started, and nobody saw it end: its supervisor is dead."""
    STOPPED = "stopped"
    """It was told to stop, and has done so or is about to."""


class RunStatus(Struct, frozen=True):
    """What has become of a run, and of its process.

    `pid` is the process's id, None where there is none. `ended` says in a few words what
    became of a process that does not run; `succeeded` that it exited with status 0.
    """

    phase: Phase
    pid: int | None = None
    ended: str = ""
    succeeded: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.phase is Phase.ALIVE


NO_RUN: Final = RunStatus(Phase.IDLE, ended="it was never started")
"""The status of what has no run."""


def status_of(run: RunFolder) -> RunStatus:
    """Look at a run, at once."""
    held = _is_held(run.path / "claim")
    if held is None:
        return NO_RUN
    # In this order: the lock goes after the note on the end was written.
    pid = _read_pid(run.path / "started")
    outcome = _read_outcome(run.path / "exit")
    if (run.path / _STOPPING).exists():
        return RunStatus(Phase.STOPPED, pid, f"process {pid} was told to stop")
    if outcome is None:
        if held:
            return RunStatus(Phase.ALIVE, pid)
        return RunStatus(Phase.LOST, pid, _tell(pid, {}))
    return RunStatus(Phase.ENDED, pid, _tell(pid, outcome), outcome.get("status") == 0)


def launch(run: RunFolder, env: Mapping[str, str]) -> None:
    """Start what `run.json` in the run's folder says; return once it runs, or could not be started.

    The process belongs to nobody here: it outlives this one, and no zombie is left.

    Raises:
        OSError: not even its supervisor can be started.
    """
    with (run.path / "log").open("ab") as log:
        subprocess.run(
            [sys.executable, "-I", "-S", str(SUPERVISOR), str(run.path)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )


def stop(
    runs: Iterable[RunFolder], grace: float, sleep: Sleep, enough: Callable[[], bool] = lambda: False
) -> None:
    """End processes, all at once: politely, and after `grace` seconds by force.

    What was not yet started never will be. Once there is `enough` of an end to them, they are left to
    their supervisors, which go on in the same way.
    """
    alive = []
    for run in runs:
        if not _entomb(run):
            supervisor = _supervisor(run)
            if supervisor is not None:
                # Noted first: after a crash here nobody may take it for one that goes on.
                with contextlib.suppress(FileNotFoundError):
                    (run.path / _STOPPING).touch()
                _signal(supervisor, signal.SIGTERM)
                alive.append(run)
    waited = 0.0
    while alive and waited < grace + _MARGIN:
        if enough():
            return
        sleep(_LOOK)
        waited += _LOOK
        alive = [run for run in alive if _supervisor(run) is not None]
    for run in alive:
        _kill(run)
    while alive and waited < grace + 2 * _MARGIN:
        alive = [run for run in alive if _supervisor(run) is not None]
        sleep(_LOOK)
        waited += _LOOK


def _kill(run: RunFolder) -> None:
    """End a process whose supervisor does not do it."""
    supervisor, pid = _supervisor(run), _read_pid(run.path / "started")
    if supervisor is None:
        return
    if pid is not None and not (run.path / "exit").exists():
        # Its supervisor has not noted its end, so the id is still its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    _signal(supervisor, signal.SIGKILL)


def _entomb(run: RunFolder) -> bool:
    """Make sure that a run which nobody has claimed never starts; False if somebody has."""
    try:
        os.close(os.open(run.path / "claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    except FileNotFoundError:
        pass  # no folder, no start
    return True


def _supervisor(run: RunFolder) -> int | None:
    """The id of the supervisor, if it lives."""
    claim = run.path / "claim"
    return _read_pid(claim) if _is_held(claim) else None


def _is_held(claim: Path) -> bool | None:
    """Whether a claim's owner lives; None where there is no claim, or only a tombstone."""
    try:
        descriptor = os.open(claim, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        if os.fstat(descriptor).st_size == 0:
            return None
        # Shared, so that two who look at the same time don't take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _read_outcome(path: Path) -> dict[str, Any] | None:
    try:
        outcome: dict[str, Any] = decode_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return outcome


def _tell(pid: int | None, outcome: Mapping[str, Any]) -> str:
    """How a process ended, in a few words."""
    process = "the process" if pid is None else f"process {pid}"
    match outcome:
        case {"error": why}:
            return f"it could not be started ({why})"
        case {"timeout": seconds}:
            return f"{process} was stopped at its time limit of {seconds} s"
        case {"status": status}:
            return f"{process} has exited with status {status}"
        case {"signal": number}:
            return f"{process} was ended by {_signal_name(number)}"
    return f"{process} is lost: its supervisor was killed, alone or with it, or the machine was restarted"


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
