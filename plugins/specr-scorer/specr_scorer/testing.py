"""What tests of model families need: the scorer API without a server, and runtimes as processes.

Never imported when serving.
"""

import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import orjson

from specr_scorer.app import Application
from specr_scorer.model import Media, Model, ScoresMedia
from specr_scorer.responses import Content, Response
from specr_scorer.settings import Settings

PATIENCE: Final = 30.0
"""Seconds to wait for what a healthy runtime does at once, on however slow a machine."""


@dataclass(frozen=True)
class Client:
    """Sends requests to a model through the application that `serve` would run.

    Answers are a status and the decoded JSON, or the text of a plain answer. A `model` of None is
    one that is still being loaded.
    """

    model: InitVar[Model | ScoresMedia | None] = None
    settings: Settings = field(default=Settings(model_path=Path("model"), model_id="m1"))
    app: Application = field(init=False)

    def __post_init__(self, model: Model | ScoresMedia | None) -> None:
        object.__setattr__(self, "app", Application(self.settings))
        if model is not None:
            self.app.install(model)

    def post(self, document: Any, path: str = "/model/score") -> tuple[int, Any]:
        """POST a JSON document."""
        return _decoded(self.app.handle("POST", path, Content(orjson.dumps(document))))

    def post_media(self, document: Any, *files: Media, path: str = "/model/media-score") -> tuple[int, Any]:
        """POST a score request as a form, with files."""
        body, content_type = encode_form(document, *files)
        return _decoded(self.app.handle("POST", path, Content(body, content_type=content_type)))

    def get(self, path: str, query: str = "") -> tuple[int, Any]:
        """GET a path."""
        return _decoded(self.app.handle("GET", path, Content(query=query)))


def _decoded(answer: Response) -> tuple[int, Any]:
    is_json = answer.content_type == "application/json"
    return answer.status, orjson.loads(answer.body) if is_json else answer.body.decode()


def encode_form(document: Any, *files: Media) -> tuple[bytes, str]:
    """A score request and its files as a form: the body and its content type."""
    boundary = uuid.uuid4().hex
    request = ("scoreMediaRequest", None, "application/json", orjson.dumps(document))
    parts: list[tuple[str, str | None, str, bytes]] = [request]
    parts += [("files", file.name, file.content_type, file.content) for file in files]
    pieces = []
    for name, filename, content_type, content in parts:
        named = "" if filename is None else f'; filename="{filename}"'
        head = f'Content-Disposition: form-data; name="{name}"{named}\r\nContent-Type: {content_type}'
        pieces.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


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
