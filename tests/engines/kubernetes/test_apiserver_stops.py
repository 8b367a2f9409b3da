"""The API server stops in the middle of an apply and is started again: nothing is lost.

It is a server of the tests' own, beside that of the cluster and over the same store, so that
nobody else notices.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.engines.conftest import need
from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.space import Space, kubectl, wait_until
from tests.engines.progress import wait_for_words

pytestmark = [pytest.mark.engines, pytest.mark.slow]

PORT = "--secure-port="


class OwnServer:
    """A kube-apiserver that a test may stop and start."""

    def __init__(self, model: psutil.Process, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        others = [part for part in model.cmdline() if not part.startswith(PORT)]
        # It keeps out of the addresses that the cluster's own server announces.
        self._command = [*others, f"{PORT}{self._port}", "--endpoint-reconciler-type=none"]
        self._cwd = model.cwd()
        self._log = folder / "apiserver.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"https://127.0.0.1:{self._port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._cwd, stdout=log, stderr=log)
        wait_until(lambda: kubectl("--server", self.url, "get", "--raw", "/readyz", check=False) == "ok", 120)

    def stop(self) -> None:
        """At once: its connections break off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()


@pytest.fixture(scope="class")
def server(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    found = [p for p in psutil.process_iter(["name"]) if p.info["name"] == "kube-apiserver"]
    need(reachable=bool(found), engine="An API server on this machine", how="no kube-apiserver runs here")
    server = OwnServer(found[0], tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="class")
def project(server: OwnServer, space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("stops")
    config = json.loads(space.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = server.url
    (folder / "kubeconfig").write_text(json.dumps(config))
    project = Project(space, folder / "project", 2, kubeconfig=str(folder / "kubeconfig"))
    project.apply()
    yield project
    project.specr("destroy", "--auto-approve")
    wait_until(lambda: not space.left())


class TestApiServerStops:
    @pytest.mark.parametrize(
        "words",
        [
            "build/a0.copy: starting the processor",
            "deployment/d0: starting the runtime",
            "deployment/d0: taking over",
            "deployment/d0: removing what it replaces",
        ],
        ids=["building", "starting", "promoting", "removing"],
    )
    def test_in_the_middle_of_an_apply(
        self, project: Project, server: OwnServer, words: str, tmp_path: Path
    ) -> None:
        project.deployment["env"] = {"ATTEMPT": words}
        (project.folder / "model0.bin").write_text(f"model 0, {words}")
        project.write()
        log = tmp_path / "log"
        process = project.start("apply", "--auto-approve", log=log)
        wait_for_words(process, log, words)
        with server.stopped():
            status = process.wait(timeout=300)
        told = " ".join(log.read_text().split())
        assert "Traceback" not in told
        if status:
            assert "Provider does not answer" in told
            assert "`specr apply` again" in told
        project.apply()
        assert project.is_settled()
        assert len(project.objects("deployments")) == 2
        assert len(project.objects("services")) == 2
        assert not [p for p in project.objects("pods") if "specr.dev/token" not in p["metadata"]["labels"]]

    def test_a_plan_says_that_it_can_not_see(self, project: Project, server: OwnServer) -> None:
        project.apply()
        with server.stopped():
            done = project.run("plan")
        assert done.returncode == 1
        assert "Provider does not answer" in done.stderr
        assert project.is_settled()
