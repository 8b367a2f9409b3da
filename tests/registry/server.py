"""A real MLflow server with models in it, and the questions and changes that its users make."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.families.commands import Deadline, run

_START_SECONDS = 180
_TRAIN_SECONDS = 400


class Server:
    """A running server. `models` is what `train.py` wrote of it."""

    def __init__(self, url: str, *, has_aliases: bool) -> None:
        self.url = url
        self.has_aliases = has_aliases
        self.models: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return str(self.models["name"])

    @property
    def reference(self) -> str:
        """A reference that moves, as users of this server write it."""
        return f"models:/{self.name}@champion" if self.has_aliases else f"models:/{self.name}/Production"

    def point_to(self, version: int) -> None:
        """Make the reference mean a version."""
        if self.has_aliases:
            about = {"name": self.name, "alias": "champion", "version": str(version)}
            self.ask("POST", "registered-models/alias", **about)
        else:
            about = {"name": self.name, "version": str(version), "stage": "Production"}
            self.ask("POST", "model-versions/transition-stage", **about, archive_existing_versions=True)

    def delete(self, version: int) -> None:
        self.ask("DELETE", "model-versions/delete", name=self.name, version=str(version))

    def ask(self, method: str, question: str, **body: Any) -> None:
        answer = httpx.request(method, f"{self.url}/api/2.0/mlflow/{question}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text


@contextmanager
def serving(python: Path, folder: Path, *, has_aliases: bool, deadline: Deadline) -> Iterator[Server]:
    """A server with sqlite and a folder of artifacts that it passes on, with three versions registered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", has_aliases=has_aliases)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # processes of its own, which no model needs
        "GIT_PYTHON_REFRESH": "quiet",
    }
    command = [str(python.parent / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "./artifacts"]
    command += ["--serve-artifacts", "--workers", "1"]
    if not has_aliases:  # 1.29, which takes longer to begin on a busy machine than its workers may
        command += ["--default-artifact-root", "mlflow-artifacts:/", "--gunicorn-opts", "--timeout 300"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await(server.url, process, folder)
        out = folder / "models.json"
        train: list[str | Path] = [python, Path(__file__).with_name("train.py"), server.url, out]
        run(train, deadline=deadline, limit=_TRAIN_SECONDS, cwd=folder, env=env)
        server.models = json.loads(out.read_text())
        yield server
    finally:
        with suppress(ProcessLookupError):  # it did not start
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "server.log").read_text()[-3000:]
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError((folder / "server.log").read_text()[-3000:])
