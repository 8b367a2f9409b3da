"""A runtime small enough to start in a moment. The first argument says how it behaves."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

behaviour = sys.argv[1] if len(sys.argv) > 1 else "good"
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the first process of a container has no other way
for line in filter(None, os.environ.get("SAY", "").split("|")):
    print(line, flush=True)
if "TELL" in os.environ:
    print(os.environ[os.environ["TELL"]], flush=True)
if behaviour == "fails":
    print("this runtime does not work", file=sys.stderr)
    sys.exit(3)

COLUMNS = {"inputFields": [{"name": "x", "dataType": "Float64"}]}
COLUMNS["outputFields"] = [{"name": "y", "dataType": "Float64"}]


def content(path: str) -> bytes:
    found = Path(path)
    if found.is_dir():
        return json.dumps(sorted(str(p.relative_to(found)) for p in found.rglob("*"))).encode()
    return found.read_bytes()


def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    model = os.environ["MODEL_ID"]
    if path == "/readyz":
        return (503, b"Loading") if behaviour == "hangs" else (200, b"Ready")
    if path == "/model/id":
        return 200, model.encode()
    if path == "/model/schema":
        return 200, json.dumps({"id": model, "schema": COLUMNS}).encode()
    if path == "/model/sample_request":
        return 200, b'{"fields": ["x"], "rows": [["1"]]}'
    if path == "/model/capabilities":
        return 200, b'["SCORE"]'
    if path == "/model/score":
        rows = json.loads(body)["rows"]
        scores = [[str(2 * float(row[0]))] for row in rows]
        return 200, json.dumps({"id": model, "fields": ["y"], "score": scores}).encode()
    if path == "/env":
        return 200, json.dumps({**os.environ, "UID": os.getuid()}).encode()
    if path == "/model":
        return 200, content(os.environ["MODEL_PATH"])
    if path == "/model-writable":
        return 200, str(os.access(os.environ["MODEL_PATH"], os.W_OK)).encode()
    if path == "/crash":
        os._exit(9)
    return 404, b"Nothing here"


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", int(os.environ["PORT"])))
server.listen(64)
while True:
    connection, _ = server.accept()
    with connection:
        data = b""
        while b"\r\n\r\n" not in data and (piece := connection.recv(65536)):
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        if not head:
            continue
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        method, path = head.decode().split(" ")[:2]
        status, told = answer(method, path, body)
        connection.sendall(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(told)) + told
        )
