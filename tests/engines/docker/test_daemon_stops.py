"""The daemon stops in the middle of an apply, and is started again: nothing is lost.

It is a daemon of the tests' own, beside the one that the others use: with a folder, a socket,
a bridge and a containerd of its own, and without a hand in the machine's packet filter.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from specr.state.checks import check_state
from tests.engines.conftest import need
from tests.engines.docker.engine import IMAGE
from tests.engines.docker.project import Project
from tests.engines.progress import wait_for_words
from tests.unit.providers.machine import wait_until

pytestmark = [
    pytest.mark.engines,
    pytest.mark.slow,
    # The client leaves sockets that could not be connected to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
BRIDGE = f"specr-test{WORKER}"
ADDRESS = f"172.31.{253 - WORKER}.1/24"


PATIENCE = 180
"""Seconds that anything gets to come up or to end, on a machine that has much else to do."""

CONTAINERD = """\
version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/containerd.sock"
"""


class OwnDaemon:
    """A dockerd that a test may stop and start; its containerd goes on meanwhile, as with most systems."""

    def __init__(self, folder: Path, runtimes: list[str]) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self._runtimes = runtimes
        self._process: subprocess.Popen[bytes] | None = None
        config = folder / "containerd.toml"
        config.write_text(CONTAINERD.format(folder=folder))
        self._containerd = self._run("containerd", "--config", str(config))
        wait_until((folder / "containerd.sock").exists, PATIENCE)

    def start(self) -> None:
        self._process = self._run(
            *("dockerd", "--host", self.host, "--bridge", BRIDGE, "--iptables=false"),
            *("--containerd", str(self.folder / "containerd.sock")),
            *("--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")),
            *("--pidfile", str(self.folder / "pid"), *self._runtimes),
        )
        wait_until(self._answers, PATIENCE)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._containerd.terminate()
        self._containerd.wait(PATIENCE)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE)
        (self.folder / "pid").unlink(missing_ok=True)

    def client(self) -> Any:
        return docker.APIClient(self.host, version="auto", timeout=PATIENCE)

    def _answers(self) -> bool:
        assert self._process is not None
        log = (self.folder / "dockerd.log").read_text(errors="replace")
        assert self._process.poll() is None, log[-3000:]
        return (
            subprocess.run(["docker", "-H", self.host, "info"], capture_output=True, check=False).returncode
            == 0
        )


@pytest.fixture(scope="module")
def daemon(client: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnDaemon]:
    able = os.getuid() == 0 and all(map(shutil.which, ("dockerd", "containerd", "docker", "ip")))
    need(able, "a Docker daemon of the test's own", "it takes root, dockerd, containerd, docker and ip")
    info = client.info()
    runtimes = [
        f"--add-runtime={name}={one['path']}" for name, one in info["Runtimes"].items() if "/" in one["path"]
    ]
    folder = tmp_path_factory.mktemp("own")
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    own = OwnDaemon(folder, [*runtimes, f"--default-runtime={info['DefaultRuntime']}"])
    try:
        subprocess.run(["ip", "address", "add", ADDRESS, "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
        own.start()
        save = subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE)
        subprocess.run(["docker", "-H", own.host, "load", "-q"], stdin=save.stdout, check=True)
        assert save.wait() == 0
        assert save.stdout is not None
        save.stdout.close()
        yield own
    finally:
        own.end()
        with warnings.catch_warnings(action="ignore"):  # of the sockets that led to daemons which are gone
            gc.collect()
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if line.split()[1].startswith(str(folder)):  # a daemon that was killed leaves some
                subprocess.run(["umount", "--lazy", line.split()[1]], check=True)
        subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.fixture
def own(daemon: OwnDaemon, tmp_path: Path) -> Iterator[Project]:
    project = Project(daemon.client(), tmp_path / "project", host=daemon.host)
    try:
        yield project
        project.destroy()
    finally:
        project.clear()
        project.client.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    "words",
    [
        "build/a2.blob: starting the processor",
        "deployment/d2: starting the runtime",
        "deployment/d0: removing what it replaces",
    ],
    ids=["building", "starting", "removing"],
)
def test_a_daemon_that_stops_in_the_middle_is_told_and_the_next_apply_heals(
    daemon: OwnDaemon, own: Project, tmp_path: Path, how: signal.Signals, words: str
) -> None:
    own.declare(2)
    own.apply()
    own.declare(3, edition=1)
    log = tmp_path / "log"
    process = own.begin(log)
    wait_for_words(process, log, words)
    daemon.stop(how)
    status = process.wait(2 * PATIENCE)
    told = " ".join(log.read_text().split())
    assert "Traceback" not in told
    assert "bug in specr" not in told
    assert status == 0 or f"the Docker daemon at {daemon.host} does not answer" in told, told
    assert not check_state(own.state())
    daemon.start()
    own.apply()
    own.nothing_to_do()
    own.check_nothing_else()


def test_a_short_absence_is_waited_for_or_told(daemon: OwnDaemon, own: Project, tmp_path: Path) -> None:
    own.declare(3)
    log = tmp_path / "log"
    process = own.begin(log)
    wait_for_words(process, log, "starting the processor")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    status = process.wait(2 * PATIENCE)
    told = log.read_text()
    assert "Traceback" not in told
    assert status == 0 or "Error:" in told
    own.apply()
    own.nothing_to_do()
    own.check_nothing_else()


def test_what_runs_comes_back_with_the_daemon(daemon: OwnDaemon, own: Project) -> None:
    """At the same ports: nothing is to be done."""
    own.declare(2, replicas=2)
    own.apply()
    daemon.stop()
    assert own.run("plan").returncode == 1
    daemon.start()
    wait_until(lambda: sum(c["State"] == "running" for c in own.containers()) == 4)
    own.nothing_to_do()
