"""What tests of model families need: the scorer API without a server, and runtimes as processes.

Never imported when serving.
"""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import orjson

from specr_scorer.app import Application
from specr_scorer.model import Model
from specr_scorer.settings import Settings

PATIENCE: Final = 30.0
"""Seconds to wait for what a healthy runtime does at once, on however slow a machine."""


@dataclass(frozen=True)
class Client:
    """Sends requests to a model through the application that `serve` would run.

    Answers are a status and the decoded JSON, or the text of a plain answer. A `model` of None is
    one that is still being loaded.
    """

    model: InitVar[Model | None] = None
    settings: Settings = field(default=Settings(model_path=Path("model"), model_id="m1"))
    app: Application = field(init=False)

    def __post_init__(self, model: Model | None) -> None:
        object.__setattr__(self, "app", Application(self.settings))
        if model is not None:
            self.app.install(model)

    def post(self, document: Any, path: str = "/model/score") -> tuple[int, Any]:
        """POST a JSON document."""
        answer = self.app.handle("POST", path, "", orjson.dumps(document))
        return answer.status, orjson.loads(answer.body)

    def get(self, path: str, query: str = "") -> tuple[int, Any]:
        """GET a path."""
        answer = self.app.handle("GET", path, query)
        is_json = answer.content_type == "application/json"
        return answer.status, orjson.loads(answer.body) if is_json else answer.body.decode()


@dataclass(frozen=True)
class Runtime:
    """A runtime that runs as a process on 127.0.0.1. Kill `process` when the test is over."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Send one request; a body that is an iterator is sent in pieces."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_until(self, status: int | None) -> None:
        """Wait for /readyz to answer a status, or with None for the port to be closed.

        Raises:
            AssertionError: it doesn't within PATIENCE, or the process ended; with its log.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                found: int | None = self.ask("GET", "/readyz")[0]
            except OSError:
                found = None
            if found == status:
                return
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"the runtime ended by itself:\n{self.log()}")
            time.sleep(0.02)
        raise AssertionError(f"/readyz answers {found}, not {status}")

    def stop(self) -> int:
        """Ask the process to end, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def log(self) -> str:
        """What it wrote to stderr, once it has ended."""
        return self.process.communicate(timeout=PATIENCE)[1]


def start_runtime(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, port: int | None = None
) -> Runtime:
    """Start a runtime on a free port of 127.0.0.1, with these variables and no others."""
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"SPECR_HOST": "127.0.0.1", "PORT": str(port), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Runtime(process, port)
