"""A tiny API server that says what a test tells it to: for moments that a real one can't be brought to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from threading import Lock, Thread
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.settings import KubernetesSettings
from tests.servers import LeavableServer

BREAK: Final = "break"
"""In the place of an event: the connection breaks off."""

END: Final = "end"
"""The watch comes to its end as if its time were up."""

Query = dict[str, str]
Answer = tuple[int, dict[str, Any]]


class ApiServer:
    """Objects by kind, the events of watches, and everything that was asked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.objects: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.events: dict[str, Queue[Any]] = defaultdict(Queue)
        self.asked: list[tuple[str, Query]] = []
        self.paths: dict[str, Answer] = {}
        """Answers to single paths."""
        self.watching: Callable[[str, Query], Answer | None] = lambda _kind, _query: None
        """An answer in the place of a watch."""
        self.listing: Callable[[str, Query], Answer | None] = lambda _kind, _query: None
        """An answer in the place of a list of what is there."""

    def answer(self, path: str, query: Query) -> Answer | Queue[Any]:
        """What a request gets: a status and a body, or the events of a watch."""
        kind, _, name = path.partition("/namespaces/here/")[2].partition("/")
        with self._lock:
            self.asked.append((f"{'watch' if 'watch' in query else 'get'} {kind or path}", query))
            if path in self.paths:
                return self.paths[path]
            if "watch" in query:
                return self.watching(kind, query) or self.events[kind]
            if name:
                found = [one for one in self.objects[kind] if one["metadata"]["name"] == name]
                return (200, found[0]) if found else (404, {"message": "not found"})
            listed = self.listing(kind, query)
            if listed is not None:
                return listed
            version = {"resourceVersion": str(sum(map(len, self.objects.values())))}
            return 200, {"metadata": version, "items": list(self.objects[kind])}

    def count(self, what: str) -> int:
        """How often something was asked, such as `watch pods`."""
        with self._lock:
            return sum(1 for asked, _ in self.asked if asked == what)

    def happen(self, event: str, kind: str, about: dict[str, Any]) -> None:
        """Something happens to an object, and the watch of its kind hears of it."""
        with self._lock:
            left = [o for o in self.objects[kind] if o["metadata"]["name"] != about["metadata"]["name"]]
            self.objects[kind] = left if event == "DELETED" else [*left, about]
        self.events[kind].put({"type": event, "object": about})


@contextmanager
def serving(server: ApiServer, folder: Path) -> Iterator[Cluster]:
    """Let a server run; gives the way to it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            answer = server.answer(parts.path, dict(parse_qsl(parts.query)))
            if isinstance(answer, tuple):
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                self._tell(answer)

        def _tell(self, events: Queue[Any]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while not isinstance(event := events.get(), str):
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            if event == END:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    http = LeavableServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c", "namespace": "here"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    cluster = Cluster("tested", folder, KubernetesSettings(kubeconfig="kubeconfig"))
    try:
        yield cluster
    finally:
        cluster.close()
        for events in server.events.values():
            events.put(BREAK)
        http.shutdown()
        http.server_close()
        thread.join()
