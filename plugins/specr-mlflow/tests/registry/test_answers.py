"""Answers that no MLflow server gives, and that must neither crash nor hold up a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from specr_mlflow.registry.client import MlflowServer
from specr_mlflow.registry.place import Server

from specr.diagnostics import DiagnosticError
from specr.sources.connection import Access


@contextmanager
def serving(write: Callable[[Any], None]) -> Iterator[MlflowServer]:
    """A server that answers 200, and a body that `write` writes."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            write(self.wfile)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield MlflowServer(Server(f"http://127.0.0.1:{server.server_port}", Access()))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusal(server: MlflowServer) -> str:
    with pytest.raises(DiagnosticError) as refused:
        server.ask("registered-models/search")
    return refused.value.diagnostics[0].detail


def test_lists_in_lists_without_end_are_no_json() -> None:
    with serving(lambda body: body.write(b"[" * 200_000)) as server:
        assert "but gives no JSON" in refusal(server)


def drip(body: Any) -> None:
    for _ in range(100):  # as long as anybody listens
        try:
            body.write(b" ")
        except OSError:
            return
        time.sleep(0.05)


def test_an_answer_that_drips_is_given_up() -> None:
    with serving(drip) as server:
        server.answer_seconds = 0.3
        begin = time.monotonic()
        assert "takes more than 0.3 seconds" in refusal(server)
        assert time.monotonic() - begin < 4


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr_mlflow.registry.client._ANSWER_BYTES", 1000)
    with serving(lambda body: body.write(b" " * 5000)) as server:
        assert "sends more than 1,000 bytes" in refusal(server)
