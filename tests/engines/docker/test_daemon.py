"""Daemons that are elsewhere, that share no disk, or that do not answer."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from specr.providers.docker.provider import DockerProvider
from specr.providers.docker.settings import DockerSettings
from specr.providers.protocol import TransientError
from specr.testing.provider_site import Site, drift, ref_to, refused
from tests.engines.docker.engine import Engine
from tests.engines.docker.project import SPECR, Project

pytestmark = [
    pytest.mark.engines,
    # The client leaves sockets that could not be connected to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """So that no later test is told of these sockets."""
    yield
    with warnings.catch_warnings(action="ignore"):
        gc.collect()


@pytest.fixture
def tcp() -> Iterator[str]:
    """The daemon, reached over TCP as one on another machine is."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_forward_all, args=(server,), daemon=True).start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    server.close()


def _forward_all(server: socket.socket) -> None:
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_connect, args=(caller,), daemon=True).start()


def _connect(caller: socket.socket) -> None:
    with caller, socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(SOCKET)
        back = threading.Thread(target=_forward, args=(daemon, caller))
        back.start()
        _forward(caller, daemon)
        back.join()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_daemon_over_tcp_is_as_good(engine: Engine, tcp: str) -> None:
    provider = engine.provider(host=tcp, bytes="copy")
    build = Site(engine).make(provider, engine.build("a", "t1"))
    order = engine.deployment("a", "t2")
    ref = Site(engine).roll_out(provider, order)
    assert drift(provider, ref) == {}
    assert provider.logs(ref_to(order)) == []
    provider.delete(ref)
    provider.delete(build)


def test_a_daemon_that_sees_another_disk_gets_copies(project: Project, tmp_path: Path) -> None:
    """Nobody says so: it is found out. Here the project lies in a place that only this process sees."""
    project.declare(2)
    subprocess.run(["tar", "-cf", tmp_path / "project.tar", "."], cwd=project.folder, check=True)
    script = """
        mount -t tmpfs none "$1" && cd "$1" && tar -xf ../project.tar
        "$0" apply --auto-approve
        "$0" plan --detailed-exitcode
        lineage=$("$0" state pull | grep -o '"lineage": *"[^"]*"' | cut -d'"' -f4)
        docker ps --filter "label=dev.specr.lineage=$lineage" --format '{{.Mounts}}' --no-trunc
        "$0" destroy --auto-approve
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-exc", script, *SPECR, project.folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare: unshare failed" in done.stderr:
        pytest.skip(f"this user may not have a place of its own: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes" in done.stdout
    mounts = [line for line in done.stdout.splitlines() if len(line) == 64]
    assert len(mounts) == 2, done.stdout + done.stderr


def provider_at(tmp_path: Path, host: str) -> DockerProvider:
    engine = Engine(None, tmp_path)
    settings = DockerSettings(host=host, timeout=2)
    return DockerProvider("lineage", tmp_path, engine.store, settings)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("unix:///nowhere/docker.sock", "No such file or directory"),
        ("tcp://127.0.0.1:1", "Connection refused"),
    ],
)
def test_a_daemon_that_is_not_there_may_come_back(tmp_path: Path, host: str, told: str) -> None:
    """The engine asks again, for a while."""
    order = Engine(None, tmp_path / "other").deployment("a", "t1")
    with pytest.raises(TransientError) as raised:
        provider_at(tmp_path, host).read([ref_to(order)])
    assert host in str(raised.value)
    assert told in str(raised.value)


def test_a_daemon_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    order = Engine(None, tmp_path / "other").deployment("a", "t1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TransientError, match="does not answer"):
            provider_at(tmp_path, host).read([ref_to(order)])


def test_a_host_that_is_none_is_told(tmp_path: Path) -> None:
    order = Engine(None, tmp_path / "other").deployment("a", "t1")
    text = refused(lambda: provider_at(tmp_path, "carrier-pigeon://coop").read([ref_to(order)]))
    assert "can't be reached as configured" in text


def test_a_socket_that_may_not_be_opened_is_told(tmp_path: Path) -> None:
    """Which root always may; so another user asks."""
    script = (
        "import os, docker, requests.exceptions, urllib3.exceptions\n"
        "from specr.providers.docker.daemon import Daemon\n"
        "os.setuid(65534)\n"
        f"Daemon('unix://{SOCKET}', 2).containers({{}})\n"
    )
    if os.getuid():
        pytest.skip("only root can be another user")
    done = subprocess.run(
        [Path(SPECR[0]).with_name("python"), "-c", script], capture_output=True, text=True, check=False
    )
    assert "Docker is not permitted" in done.stderr, done.stderr
