"""The servers of the scorer benchmark as processes: started, asked, measured, ended."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil

PATIENCE = 180.0
_LOG_LINES = 15
Rows = Sequence[Sequence[float]]

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""For all alike: a worker computes with one thread."""


class ServerError(Exception):
    """A server that does not do what it should; the message says what came of it."""


@dataclass(frozen=True)
class System:
    """One way to serve a model.

    Args:
        name: as the table shows it.
        environment: which of the environments it runs in.
        serves: the models that it can serve.
        command: what Python gets to start it, from the model's folder, a folder of its own, and the port.
        environ: variables beside the usual ones, from the model's folder and the port.
        ready: the path that answers 200 once it is ready.
        path: where rows are posted.
        body: the request for rows.
        predictions: what an answer holds, one number a row.
        counts: the path of its metrics, where they tell how many requests a call of the model was for.
        paced_as: the system of whose throughput half is asked of it at half load; its own, if that is None.
    """

    name: str
    environment: str
    serves: tuple[str, ...]
    command: Callable[[Path, Path, int], list[str]]
    environ: Callable[[Path, int], Mapping[str, str]]
    ready: str
    path: str
    body: Callable[[str, Sequence[str], Rows], Any]
    predictions: Callable[[Any], list[float]]
    counts: str | None = None
    paced_as: str | None = None


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    system: System
    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float
    log: Path

    def megabytes(self) -> float:
        """The memory of all its processes; what they share counts once."""
        return float(sum(one.memory_full_info().pss for one in self._everyone())) / 2**20

    def cpu_seconds(self) -> float:
        """The processor time of all its processes so far."""
        return sum(sum(one.cpu_times()[:2]) for one in self._everyone())

    def settle(self) -> None:
        """Wait until it computes nothing any more: what was asked and not awaited is done by then."""
        deadline = time.monotonic() + PATIENCE
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.3)
            now = self.cpu_seconds()
            if now - before < 0.02:
                return
            before = now
        raise ServerError(f"it was still busy {PATIENCE:.0f} s after its last request")

    def tail(self) -> str:
        """The last lines of its log."""
        return tail_of(self.log)

    def stop(self) -> None:
        """End it and everything that it started."""
        if self.process.poll() is None:
            everyone = self._everyone()
            self.process.terminate()
            _, alive = psutil.wait_procs(everyone, timeout=10)
            for one in alive:
                one.kill()
        self.process.wait()

    def _everyone(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise ServerError(f"it ended with status {self.process.poll()}") from None


def tail_of(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """One request of a client that knows nothing."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def start(system: System, python: Path, model: Path, scratch: Path, port: int) -> Running:
    """Start a server and wait until it is ready.

    Raises:
        ServerError: it ends before, or takes too long.
    """
    folder = scratch / f"{system.name}-{model.name}".replace(" ", "-").replace(",", "")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environ = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", **ONE_THREAD, **system.environ(model, port)}
    path = folder / "log"
    with path.open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            [python, *system.command(model, folder, port)], cwd=folder, env=environ, stdout=log, stderr=log
        )
    while time.perf_counter() - started < PATIENCE and process.poll() is None:
        try:
            if ask(port, "GET", system.ready)[0] == 200:
                return Running(system, process, port, time.perf_counter() - started, path)
        except (OSError, HTTPException):
            pass  # not yet
        time.sleep(0.02)
    status = process.poll()
    Running(system, process, port, 0.0, path).stop()
    ended = f"was not ready after {PATIENCE:.0f} s" if status is None else f"ended with status {status}"
    raise ServerError(f"it {ended}; its log's last lines:\n{tail_of(path)}")
