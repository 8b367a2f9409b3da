"""HTTP to runtimes that behave well, and to those that do not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from specr.providers import http
from specr.providers.http import ask
from specr.providers.protocol import ScorerRequest, ScorerResponse, TransientError


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """Answers one connection; gives the port, and what was received."""
    received: list[bytes] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                received.append(head)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], received
        thread.join()


def says(text: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text)


def get(port: int, **changes: float) -> ScorerResponse:
    return ask("127.0.0.1", port, ScorerRequest("GET", "/x", timeout=changes.get("timeout", 5.0)))


def test_a_whole_answer_comes_with_its_status() -> None:
    with server(says(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait")) as (port, _):
        assert get(port) == ScorerResponse(503, b"wait")


def test_a_body_in_chunks_and_one_without_a_length_are_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with server(says(chunked)) as (port, _):
        assert get(port).body == b"abcde"
    with server(says(b"HTTP/1.0 200 OK\r\n\r\nto the end")) as (port, _):
        assert get(port).body == b"to the end"


def test_method_body_and_headers_are_sent() -> None:
    request = ScorerRequest("POST", "/model/score", b"{}", {"Authorization": "Bearer x"})
    with server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as (port, received):
        assert ask("127.0.0.1", port, request) == ScorerResponse(200, b"")
    assert received[0].startswith(b"POST /model/score HTTP/1.1\r\n")
    assert b"Authorization: Bearer x\r\n" in received[0]
    assert b"Content-Length: 2\r\n" in received[0]


def test_redirects_are_answers_and_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with server(says(b"HTTP/1.1 302 Away\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n")) as (
        port,
        _,
    ):
        assert get(port).status == 302


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbroken",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nbroken",
        b"HTTP/1.1 " + b"9" * 70_000,
    ],
)
def test_broken_answers_are_none(text: bytes) -> None:
    with server(says(text)) as (port, _), pytest.raises(TransientError, match=f"127.0.0.1:{port}"):
        get(port)


def test_a_closed_port_is_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(TransientError, match="Connection refused"):
        get(port)


def test_an_answer_that_never_ends_is_given_up() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b".")
                threading.Event().wait(0.01)
        except OSError:
            pass

    with server(drip) as (port, _), pytest.raises(TransientError, match="it took too long"):
        get(port, timeout=0.1)


def test_silence_is_given_up() -> None:
    def wait(connection: socket.socket) -> None:
        connection.recv(1)

    with (
        server(wait) as (port, _),
        pytest.raises(TransientError, match="it took too long"),
    ):
        get(port, timeout=0.05)


def test_an_answer_that_is_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 100)

    def pour(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"." * 1000)

    with server(pour) as (port, _), pytest.raises(TransientError, match="more than"):
        get(port)


def test_a_path_that_is_none_is_told() -> None:
    with pytest.raises(TransientError):
        ask("127.0.0.1", 9, ScorerRequest("GET", "/a path\n"))
