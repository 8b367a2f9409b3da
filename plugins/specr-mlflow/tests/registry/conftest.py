"""A small MLflow server that misbehaves on demand. The real ones are tried in tests/registry."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from specr_mlflow.registry.source import ModelsSource

from specr.sources.catalog import SourceContext
from specr.sources.limits import HttpLimits

MLMODEL = b"""\
flavors:
  python_function: {loader_module: mlflow.sklearn}
signature:
  inputs: '[{"name": "x", "type": "double"}]'
  outputs: '[{"type": "double"}]'
"""
ABSENT = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"}


class LeavableServer(ThreadingHTTPServer):
    """Says nothing of clients that leave, as those that have read enough do."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class FakeRegistry:
    """Answers as MLflow does: models by name, each with versions, aliases and files."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, Any]] = {}
        self.aliases: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.sizes_told = True
        self.knows_aliases = True
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.refuse_path = ""
        self.stalls = False
        self.download_uri = "mlflow-artifacts:/0/{version}/artifacts/model"
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.release = Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                fake.answer(self)

        self.server = LeavableServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def register(self, number: str, stage: str = "None", status: str = "READY", **more: Any) -> None:
        self.versions[number] = {
            "name": "fraud",
            "version": number,
            "creation_timestamp": 1_000 + int(number),
            "last_updated_timestamp": 9_000,
            "current_stage": stage,
            "status": status,
            "run_id": f"run{number}",
            "source": f"mlflow-artifacts:/0/{number}/artifacts/model",
            **more,
        }
        top = f"0/{number}/artifacts/model"
        self.files |= {
            f"{top}/MLmodel": MLMODEL,
            f"{top}/model.pkl": f"the bytes of {number}".encode(),
            f"{top}/code/__init__.py": b"",
        }

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = unquote(parts.path)
        self.asked.append((path, query, handler.headers.get("Authorization", "")))
        if self.stalls:
            self.release.wait(30)
        if self.refusals and path.endswith(self.refuse_path):
            status, headers = self.refusals.pop(0)
            return send(handler, status, b"no", headers)
        if path.startswith("/api/2.0/mlflow/"):
            status, told = self.told(path.removeprefix("/api/2.0/mlflow/"), query)
            if told is None:
                return send(handler, 404, b"<!doctype html>", {"Content-Type": "text/html"})
            return send(handler, status, json.dumps(told).encode(), {"Content-Type": "application/json"})
        if path == "/model-versions/get-artifact":
            return self.send_file(handler, f"0/{query['version']}/artifacts/model/{query['path']}")
        if path == "/api/2.0/mlflow-artifacts/artifacts":
            return send(handler, 200, json.dumps(self.listing(query["path"])).encode())
        return self.send_file(handler, path.removeprefix("/api/2.0/mlflow-artifacts/artifacts/"))

    def send_file(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        if name in self.files:
            return send(handler, 200, self.files[name])
        return send(handler, 404, json.dumps(ABSENT).encode())

    def listing(self, folder: str) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for name, content in self.files.items():
            if not name.startswith(f"{folder}/"):
                continue
            first, _, rest = name.removeprefix(f"{folder}/").partition("/")
            if rest:
                found[first] = {"path": first, "is_dir": True}
            else:
                size = {"file_size": str(len(content))} if self.sizes_told and content else {}
                found[first] = {"path": first, "is_dir": False, **size}
        return {"files": list(found.values())} if found else {}

    def told(self, question: str, query: dict[str, str]) -> tuple[int, dict[str, Any] | None]:
        if question == "runs/get":
            return run(query["run_id"])
        aliases = [{"alias": alias, "version": version} for alias, version in self.aliases.items()]
        model = {"name": "fraud", "latest_versions": self.newest(), "aliases": aliases}
        if question == "registered-models/search":
            return 200, {"registered_models": [model]}
        if question == "model-versions/search":
            return 200, self.page(query)
        if question == "registered-models/alias" and not self.knows_aliases:
            return 404, None
        if query.get("name") != "fraud":
            return 404, ABSENT
        if question == "registered-models/get":
            return 200, {"registered_model": model}
        return self.version(question, query)

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """Two at a time, so that there are pages."""
        first = int(query.get("page_token", "0"))
        more = {"next_page_token": str(first + 2)} if first + 2 < len(self.versions) else {}
        return {"model_versions": list(self.versions.values())[first : first + 2], **more}

    def version(self, question: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        number = query.get("version", "")
        if question == "registered-models/alias":
            number = self.aliases.get(query["alias"], "")
            if not number:
                return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "alias not found."}
        if number not in self.versions:
            return 404, ABSENT
        if question == "model-versions/get-download-uri":
            return 200, {"artifact_uri": self.download_uri.format(version=number)}
        return 200, {"model_version": self.versions[number]}

    def newest(self) -> list[dict[str, Any]]:
        ordered = sorted(self.versions.values(), key=lambda version: int(version["version"]))
        return list({version["current_stage"]: version for version in ordered}.values())


def run(run_id: str) -> tuple[int, dict[str, Any]]:
    """What the run of a version measured; that of version 1 was deleted."""
    if run_id == "run1":
        return 404, ABSENT
    params = [{"key": "depth", "value": "3"}]
    metrics = [{"key": "auc", "value": 0.9}, {"key": "bad", "value": "NaN"}]
    return 200, {"run": {"data": {"params": params, "metrics": metrics}}}


def send(
    handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str] | None = None
) -> None:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of this machine."""
    for name in list(os.environ):
        if name.startswith("MLFLOW_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """A registry with three versions of `fraud`: 2 is the champion and in production."""
    fake = FakeRegistry()
    fake.register("1", "Archived")
    fake.register("2", "Production")
    fake.register("3")
    fake.aliases["champion"] = "2"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fake.url)
    yield fake
    fake.close()


@pytest.fixture
def source(tmp_path: Path) -> ModelsSource:
    """The source, as a project without settings has it, and in a hurry."""
    return make_source(tmp_path)


def make_source(root: Path, **settings: Any) -> ModelsSource:
    context = SourceContext(root, None, settings)  # type: ignore[arg-type]  # digests are not asked for
    return ModelsSource(context, HttpLimits(connect=5, read=5, attempts=3), lambda _: None)


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Makes a source with settings of the project."""
    return partial(make_source, tmp_path)
