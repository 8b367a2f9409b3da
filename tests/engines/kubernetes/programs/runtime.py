"""A runtime small enough to start in a moment, and good for many requests at once.

The first argument: good, fails (exits at once), hangs (never ready), wrong-schema, wrong-score.
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

behaviour = sys.argv[1] if len(sys.argv) > 1 else "good"
for line in filter(None, os.environ.get("SAY", "").split("|")):
    print(line, flush=True)
if "TELL" in os.environ:
    print(os.environ[os.environ["TELL"]], flush=True)
if behaviour == "fails":
    print("this runtime does not work", file=sys.stderr)
    sys.exit(3)

MODEL = os.environ["MODEL_ID"]
OUTPUT = "z" if behaviour == "wrong-schema" else "y"
SCHEMA = {
    "inputFields": [{"name": "x", "dataType": "Float64"}],
    "outputFields": [{"name": OUTPUT, "dataType": "Float64"}],
}


def content(path: str) -> bytes:
    found = Path(path)
    if found.is_dir():
        return json.dumps(sorted(str(p.relative_to(found)) for p in found.rglob("*"))).encode()
    return found.read_bytes()


def writable(path: str) -> bytes:
    """What may be written to that should not be."""
    found = []
    for place in (path, "/", "/specr", "/usr"):
        try:
            target = Path(place) if Path(place).is_file() else Path(place) / "probe"
            with target.open("a"):
                found.append(place)
        except OSError:
            continue
    return json.dumps(found).encode()


def score(body: bytes) -> bytes:
    rows = json.loads(body)["rows"]
    off = 1.0 if behaviour == "wrong-score" else 0.0
    scores = [[str(2 * float(row[0]) + off)] for row in rows]
    return json.dumps({"id": MODEL, "fields": [OUTPUT], "score": scores}).encode()


def answer(path: str, body: bytes, asked: str) -> tuple[int, bytes]:
    path = path.removeprefix(f"/{MODEL}")
    if path == "/readyz":
        return (503, b"Loading") if behaviour == "hangs" else (200, b"Ready")
    passphrase = os.environ.get("SPECR_PASSPHRASE")
    if passphrase and asked != f"Bearer {passphrase}":
        return 401, b'{"detail": "Who are you?"}'
    match path:
        case "/model/id":
            return 200, MODEL.encode()
        case "/model/schema":
            return 200, json.dumps({"id": MODEL, "schema": SCHEMA}).encode()
        case "/model/sample_request":
            return 200, b'{"fields": ["x"], "rows": [["1"]]}'
        case "/model/capabilities":
            return 200, b'["SCORE"]'
        case "/model/score":
            return 200, score(body)
        case "/env":
            return 200, json.dumps({**os.environ, "UID": str(os.getuid())}).encode()
        case "/model":
            return 200, content(os.environ["MODEL_PATH"])
        case "/writable":
            return 200, writable(os.environ["MODEL_PATH"])
        case "/unavailable":
            return 503, b'{"detail": "the model is busy"}'
    return 404, b'{"detail": "Nothing here"}'


leaving = threading.Event()
connected = threading.Semaphore(0)
"""Counts the connections that are open."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        connected.release()
        try:
            super().handle()
        finally:
            connected.acquire()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, told = answer(self.path, body, self.headers.get("Authorization", ""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        if leaving.is_set() or not self.path.endswith("/env"):  # who asks for that may keep the connection
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET  # noqa: N815 - named by the standard library

    def log_message(self, *_: object) -> None:
        if "LOG_REQUESTS" in os.environ and self.path != "/readyz":
            print(f"asked for {self.path}", flush=True)


server = ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler)


def leave() -> None:
    """Let clients that keep their connections know, with their next answer, before it ends."""
    leaving.set()
    deadline = time.monotonic() + 3
    while connected.acquire(blocking=False):
        connected.release()
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    server.shutdown()


signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=leave).start())
server.serve_forever(poll_interval=0.05)
server.server_close()
