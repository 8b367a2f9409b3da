"""This machine as a platform for tests: orders for tiny programs, and a look at real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from specr.address import Address
from specr.providers.local.marks import FOLDER_MARK, LINEAGE_MARK, TOKEN_MARK
from specr.providers.local.ports import find_free_port
from specr.providers.local.provider import LocalProvider, LocalSettings
from specr.providers.protocol import BuildOrder, DeploymentOrder
from specr.resources.compute import Compute
from specr.resources.convert import convert
from specr.store.folder import FolderStore
from specr.testing.providers import Behaviour

PROGRAMS = Path(__file__).with_name("programs")
PYTHON = ("python", "-I", "-S")


@dataclass(frozen=True)
class Found:
    """A process that carries marks. `watches` says that it is a supervisor."""

    process: psutil.Process
    token: str
    watches: bool


class Machine:
    """Orders and processes below one folder."""

    patience = 20.0

    def __init__(self, place: Path) -> None:
        place.mkdir(exist_ok=True)
        self.root = place.resolve()
        self._ports: frozenset[int] = frozenset()
        self.store = FolderStore(self.root / ".specr" / "store")
        artifact = self.root / "artifact"
        artifact.write_text("an artifact")
        self.source = self.store.add(artifact).digest

    def provider(self, lineage: str = "mine", **settings: Any) -> LocalProvider:
        decoded = convert({"grace": 2.0, **settings}, LocalSettings)
        return LocalProvider(lineage, self.root, self.store, decoded)

    def build(self, name: str, token: str, behaviour: Behaviour | str = "good") -> BuildOrder:
        return BuildOrder(
            address=Address("build", f"{name}.copy"),
            token=token,
            source=self.source,
            image=None,
            command=self._command("processor.py", behaviour),
            env={},
            resources=Compute(),
            timeout=60,
        )

    def deployment(self, name: str, token: str, behaviour: Behaviour | str = "good") -> DeploymentOrder:
        return DeploymentOrder(
            address=Address("deployment", name),
            token=token,
            model=self.source,
            model_id=f"{name}-v1",
            image=None,
            command=self._command("runtime.py", behaviour),
            env={},
            resources=Compute(),
            replicas=1,
            port=None,
            readiness_path="/readyz",
        )

    def folder(self, token: str, lineage: str = "mine") -> Path:
        """Where the local provider keeps an object."""
        return self.root / ".specr" / "local" / lineage / token

    def existing(self, lineage: str) -> frozenset[str]:
        """From the processes' environment as well as from the folders."""
        folder = self.root / ".specr" / "local" / lineage
        folders = {path.name for path in folder.iterdir()} if folder.exists() else set()
        return frozenset(folders | {found.token for found in self.processes(lineage)})

    def destroy(self, lineage: str, token: str) -> None:
        doomed = [found.process for found in self.processes(lineage) if found.token == token]
        for process in doomed:
            process.kill()
        wait_until(lambda: all(has_ended(process) for process in doomed))

    def processes(self, lineage: str = "mine") -> list[Found]:
        """All that run, supervisors included."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                env = process.environ()
                if env.get(LINEAGE_MARK) == lineage and env.get(FOLDER_MARK, "").startswith(f"{self.root}/"):
                    watches = any(part.endswith("supervisor.py") for part in process.cmdline())
                    found.append(Found(process, env[TOKEN_MARK], watches))
        return found

    def programs(self) -> list[psutil.Process]:
        """The processes that do the work."""
        return [found.process for found in self.processes() if not found.watches]

    def supervisors(self) -> list[psutil.Process]:
        """The processes that watch them."""
        return [found.process for found in self.processes() if found.watches]

    def running(self, token: str) -> bool:
        """Whether anything runs for an object."""
        return any(found.token == token for found in self.processes())

    def free_port(self) -> int:
        """A port that nobody listens on, and that was not given before."""
        port = find_free_port(self._ports)
        self._ports |= {port}
        return port

    def kill_all(self) -> None:
        """Leave nothing behind, whatever a test has broken."""
        uid = os.getuid()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.uids().real == uid and process.environ().get(FOLDER_MARK, "").startswith(
                    f"{self.root}/"
                ):
                    process.kill()

    def _command(self, program: str, behaviour: Behaviour | str) -> tuple[str, ...]:
        how = behaviour.value if isinstance(behaviour, Behaviour) else behaviour
        return (*PYTHON, str(PROGRAMS / program), how)


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what is to happen soon; how soon is not asserted."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def in_child(act: Callable[[], object], *, dies_at: int | None = None) -> bool:
    """Do something in a process of its own; True if it came to its end.

    With `dies_at` the process kills itself at so many lines of the local provider's code.
    """
    pid = os.fork()
    if not pid:
        status = 1
        try:
            if dies_at is not None:
                sys.settrace(_fuse(dies_at))
            act()
            status = 0
        finally:
            os._exit(status)
    _, raw = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(raw)
    assert code in {0, -signal.SIGKILL}, f"the child has failed: {code}"
    return code == 0


def _fuse(lines: int) -> Callable[[FrameType, str, Any], Any]:
    left = lines

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        file = frame.f_code.co_filename
        # Looking at all the processes of a machine is one step, however many there are.
        if "/specr/providers/local/" not in file or file.endswith("leftovers.py"):
            return None
        if event == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace
