"""Runs a piece of a test in a child process: as an ordinary user, or killed at a chosen step."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534
_STEPS = frozenset(
    {
        "open",
        "os.mkdir",
        "os.rename",
        "os.chmod",
        "os.remove",
        "os.rmdir",
        "os.symlink",
        "os.utime",
        "fcntl.flock",
    },
)


def _in_child(act: Callable[[], object], prepare: Callable[[], None] = lambda: None) -> int:
    """Act in a forked child; its exit status, or the negative number of the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            prepare()
            act()
        except BaseException:  # noqa: BLE001 - nothing may pass into the parent's test run
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _unprivileged(act: Callable[[], object]) -> None:
    """Act as a user whom the disk can refuse something, also where tests run as root."""

    def prepare() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    assert _in_child(act, prepare) == 0


def _killed_at(step: int, act: Callable[[], object]) -> bool:
    """Act in a child that is killed just before its n-th step on disk; whether there was one."""

    def prepare() -> None:
        left = step

        def hook(event: str, _arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in _STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    status = _in_child(act, prepare)
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.fixture
def unprivileged() -> Callable[[Callable[[], object]], None]:
    """Acts as a user whom the disk can refuse something."""
    return _unprivileged


@pytest.fixture
def killed_at() -> Callable[[int, Callable[[], object]], bool]:
    """Acts in a child that is killed just before its n-th step on disk; tells whether there was one."""
    return _killed_at


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user may use, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        yield Path(made)
