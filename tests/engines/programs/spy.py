"""A model that looks for texts wherever it can: in files, and in the environments of processes.

The first argument is the folder to look in, the others are the texts. As a processor it writes what
it has found, as a runtime it answers with it, and otherwise it prints it.
"""

import json
import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT, *TEXTS = sys.argv[1:]
NOT_FILES = (Path("/proc"), Path("/sys"), Path("/dev"))


def files() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if Path(folder, name) not in NOT_FILES]
        yield from (Path(folder, name) for name in names)


def read(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(4 << 20)
    except OSError:
        return b""


def is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False


def look() -> dict[str, object]:
    found: dict[str, list[str]] = {text: [] for text in TEXTS}
    sockets: list[str] = []
    environments = 0
    for path in files():
        content = read(path)
        for text in TEXTS:
            if text.encode() in content:
                found[text].append(str(path))
        if is_socket(path):
            sockets.append(str(path))
    for process in Path("/proc").glob("[0-9]*"):
        content = read(process / "environ")
        environments += bool(content)
        for text in TEXTS:
            if text.encode() in content:
                found[text].append("an environment")
    return {"texts": found, "sockets": sockets, "environments": environments}


FOUND = json.dumps(look()).encode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(FOUND)))
        self.end_headers()
        self.wfile.write(FOUND)


if "TARGET_PATH" in os.environ:
    Path(os.environ["TARGET_PATH"]).write_bytes(FOUND)
elif "PORT" in os.environ:
    HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
else:
    sys.stdout.write(FOUND.decode())
