"""The process that starts one local process, watches it to its end, and notes how it ended.

It is started by the provider with the folder of one run, detaches itself, and outlives
whoever started it. It holds a lock for as long as it lives, so that others know whether it
does without trusting a process id. Stdlib only and without site-packages, so that it is small
and starts at once; it reads no settings but `run.json` and its own environment, which the
process inherits.

    run.json    what to run (written before, by the provider)
    claim       locked by this process while it lives; its id. Made exclusively: whoever finds
                it there gives up. Empty: nothing is to be started here any more
    started     the id of the process, which leads a process group of its own
    log         what the process prints, secrets masked
    exit        how it ended: `{status | signal | error, timeout}`
"""

# Paths are text here: pathlib would double the time that this takes to start.
# ruff: noqa: PTH105, PTH108, PTH118, PTH123

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import time
from typing import Any

_TICK = 0.02
"""Seconds between two looks at processes that tell nobody when they end."""

_KILLED = 2.0
"""Seconds that killed processes get to be gone."""


def main(folder: str) -> None:
    """Detach; return to the caller's side once the process runs, or can't."""
    waiting, reporting = os.pipe()
    if os.fork():
        os.close(reporting)
        os.read(waiting, 1)  # until the other side closes it, or dies
        os._exit(0)
    os.close(waiting)
    os.setsid()
    lock = claim(folder)
    if lock is not None:
        with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
            run = json.load(file)
        Supervisor(folder, run).supervise(reporting)
    # Nothing to clean up that the kernel does not: the lock goes with the process.
    os._exit(0)


def claim(folder: str) -> int | None:
    """Take the run, unless it is taken or gone; the lock is held from before the claim is seen."""
    draft = os.path.join(folder, f"claim.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, str(os.getpid()).encode())
        os.link(draft, os.path.join(folder, "claim"))
    except OSError:
        return None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)
    return descriptor


class Supervisor:
    """Runs one process to its end."""

    def __init__(self, folder: str, run: dict[str, Any]) -> None:
        self._folder = folder
        self._run = run
        self._asked_to_stop = False
        self._wake, waker = os.pipe()
        for end in (self._wake, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)

    def supervise(self, reporting: int) -> None:
        """Start the process, close `reporting`, and watch."""
        output = _Output(self._run["secrets"])
        try:
            os.chdir(self._run["cwd"])
            child = os.posix_spawn(
                self._run["program"],
                self._run["argv"],
                os.environ,
                file_actions=output.redirections(),
                setpgroup=0,
                setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP),
            )
        except OSError as error:
            self._note("exit", json.dumps({"error": error.strerror or str(error)}))
            os.close(reporting)
            return
        output.started()
        self._note("started", str(child))
        os.close(reporting)
        self._note("exit", json.dumps(self._watch(child, output)))

    def _stop(self, *_: object) -> None:
        self._asked_to_stop = True

    def _watch(self, child: int, output: _Output) -> dict[str, Any]:
        """Wait for the process and for all of its group; stop them when asked, or when time is up."""
        timeout = self._run["timeout"]
        deadline = time.monotonic() + timeout if timeout else None
        outcome: dict[str, Any] = {}
        ended = False
        kill_at = gone_at = None
        while not (ended and not _group_lives(child)):
            now = time.monotonic()
            overdue = deadline is not None and now >= deadline and not ended
            if kill_at is None and (ended or overdue or self._asked_to_stop):
                # After its own end too: what it has left behind in its group goes with it.
                if overdue:
                    outcome["timeout"] = timeout
                _signal_group(child, signal.SIGTERM)
                kill_at = now + self._run["grace"]
            elif gone_at is None and kill_at is not None and now >= kill_at:
                _signal_group(child, signal.SIGKILL)
                gone_at = now + _KILLED
            elif gone_at is not None and now >= gone_at and ended:
                break
            pause = _TICK if kill_at is not None else None if deadline is None else max(0.0, deadline - now)
            output.pump(self._wake, pause)
            ended = ended or _reap(child, outcome)
        output.finish()
        return outcome

    def _note(self, name: str, text: str) -> None:
        """Write a small file, whole or not at all; a folder that is gone needs no notes."""
        path = os.path.join(self._folder, name)
        with contextlib.suppress(OSError):
            with open(f"{path}.new", "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(f"{path}.new", path)


class _Output:
    """Where the process prints to: the log itself, or through the mask where there are secrets."""

    def __init__(self, secrets: list[str]) -> None:
        self._pipe: tuple[int, int] | None = None
        if secrets:
            # On the path only now: packages beside specr are nothing that a supervisor needs.
            sys.path.append(os.path.realpath(f"{__file__}/../../../.."))
            from specr.providers.masking import Mask, MaskedStream  # noqa: PLC0415 - see above

            self._stream = MaskedStream(Mask(os.environ[name] for name in secrets))
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[0], False)

    def redirections(self) -> list[tuple[int, int, int]]:
        """What to do to the new process's descriptors; without secrets it has the log already."""
        if self._pipe is None:
            return []
        return [(os.POSIX_SPAWN_DUP2, self._pipe[1], 1), (os.POSIX_SPAWN_DUP2, self._pipe[1], 2)]

    def started(self) -> None:
        """The process has its end of the pipe; ours goes, so that the pipe ends with it."""
        if self._pipe is not None:
            os.close(self._pipe[1])

    def pump(self, wake: int, pause: float | None) -> None:
        """Pass output on until a signal comes or the pause, in seconds, is over."""
        sources = [wake] if self._pipe is None else [wake, self._pipe[0]]
        ready, _, _ = select.select(sources, [], [], pause)
        if wake in ready:
            os.read(wake, 4096)
        elif ready:
            self._pass_on()

    def finish(self) -> None:
        """Pass on what is left; somebody may hold the pipe open still, who is not waited for."""
        while self._pipe is not None and self._pass_on():
            pass
        if self._pipe is not None:
            _print(self._stream.finish())

    def _pass_on(self) -> bool:
        assert self._pipe is not None
        try:
            piece = os.read(self._pipe[0], 1 << 16)
        except BlockingIOError:
            return False
        if not piece:
            _print(self._stream.finish())
            os.close(self._pipe[0])
            self._pipe = None
            return False
        _print(self._stream.feed(piece))
        return True


def _print(data: bytes) -> None:
    """Into the log; a full disk must not stop the process."""
    while data:
        try:
            data = data[os.write(1, data) :]
        except OSError:
            return


def _reap(child: int, outcome: dict[str, Any]) -> bool:
    pid, status = os.waitpid(child, os.WNOHANG)
    if not pid:
        return False
    code = os.waitstatus_to_exitcode(status)
    outcome.update({"status": code} if code >= 0 else {"signal": -code})
    return True


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only dead ones are left
        return False
    return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    main(sys.argv[1])
