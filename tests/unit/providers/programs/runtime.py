"""A runtime small enough to start in a moment: answers the scorer API's simplest requests.

The first argument: good, fails (exits at once), hangs (never ready), deaf (ignores SIGTERM),
stray (starts a child that detaches itself), foreign (takes a port of its own), lingers (told to end, it
leaves its port and goes on until there is a file UNTIL).
"""

# ruff: noqa: T201, PTH109, PTH110, PTH123 - a program that prints, and that starts fast

import json
import os
import signal
import socket
import sys
import time

behaviour = sys.argv[1] if len(sys.argv) > 1 else "good"
for line in filter(None, os.environ.get("SAY", "").split("|")):
    print(line, flush=True)
if "TELL" in os.environ:
    print(os.environ[os.environ["TELL"]], flush=True)
if behaviour == "fails":
    print("this runtime does not work", file=sys.stderr)
    sys.exit(3)
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if behaviour == "stray" and not os.fork():
    os.setsid()
    time.sleep(60)
    os._exit(0)

port = int(os.environ["PORT"])
if port == int(os.environ.get("AVOID", "0")):
    sys.exit(4)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((os.environ["SPECR_HOST"], 0 if behaviour == "foreign" else port))
server.listen(64)


def linger(*_: object) -> None:
    server.close()
    while not os.path.exists(os.environ["UNTIL"]):
        time.sleep(0.02)
    os._exit(0)


if behaviour == "lingers":
    signal.signal(signal.SIGTERM, linger)
while True:
    connection, _ = server.accept()
    with connection:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                break
            head += piece
        path = head.split(b" ")[1].decode() if head else ""
        body, status = b"Nothing here", 404
        if path == "/readyz":
            body, status = (b"Loading", 503) if behaviour == "hangs" else (b"Ready", 200)
        elif path == "/model/id":
            body, status = os.environ["MODEL_ID"].encode(), 200
        elif path == "/env":
            body, status = json.dumps(dict(os.environ, CWD=os.getcwd())).encode(), 200
        elif path == "/model":
            with open(os.environ["MODEL_PATH"], "rb") as model:
                body, status = model.read(), 200
        connection.sendall(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body
        )
