"""A kube-apiserver of a test's own, beside that of the cluster and over the same store.

Nobody else notices what becomes of it.
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

from tests.engines.conftest import need
from tests.engines.kubernetes.space import Space, kubectl, wait_until

PORT = "--secure-port="
ALOOF = "--endpoint-reconciler-type=none"
"""Keeps a server out of the addresses that the cluster's own one announces."""


class OwnServer:
    """A kube-apiserver that a test may stop and start."""

    def __init__(self, folder: Path, *flags: str) -> None:
        model = next(filter(_is_the_clusters, psutil.process_iter(["name", "cmdline"])), None)
        need(reachable=bool(model), engine="An API server on this machine", how="no kube-apiserver runs here")
        assert model is not None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        others = [part for part in model.cmdline() if not part.startswith(PORT)]
        self._command = [*others, f"{PORT}{self._port}", ALOOF, *flags]
        self._cwd = model.cwd()
        self._log = folder / "apiserver.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"https://127.0.0.1:{self._port}"

    def kubeconfig(self, space: Space, place: Path) -> Path:
        """Write what leads a namespace's account to this server."""
        config = json.loads(space.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = self.url
        place.write_text(json.dumps(config))
        return place

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._cwd, stdout=log, stderr=log)
        wait_until(lambda: kubectl("--server", self.url, "get", "--raw", "/readyz", check=False) == "ok", 300)

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


def _is_the_clusters(process: psutil.Process) -> bool:
    return process.info["name"] == "kube-apiserver" and ALOOF not in (process.info["cmdline"] or ())
