"""Asking many servers at once whether they are ready: what each is said to lack, and how long that takes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from specr.providers.probing import Question, ask_all
from tests.unit.providers.test_http import says, server


def ask_one(port: int, seconds: float = 20.0) -> str:
    (lack,) = ask_all([Question("127.0.0.1", port, "/readyz")], seconds)
    return lack


@contextmanager
def listener() -> Iterator[int]:
    """A server that takes connections and never answers, as one that was stopped does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_the_path_is_asked_for_at_the_host() -> None:
    with server(says(b"HTTP/1.1 200 OK\r\n\r\n")) as (port, received):
        assert ask_one(port) == ""
    (head,) = received
    assert head.startswith(b"GET /readyz HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{port}\r\n".encode() in head


@pytest.mark.parametrize(
    ("answer", "lack"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"a long answer" * 100_000, ""),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait", "answers 503 at {url}"),
        (b"SSH-2.0-OpenSSH\r\n", "gives no answer at {url} that is HTTP"),
        (b"HTTP/1.1 20", "gives no answer at {url} that is HTTP"),
        (b"", "gives no answer at {url}: it hung up"),
    ],
)
def test_what_an_answer_is_worth(answer: bytes, lack: str) -> None:
    with server(says(answer)) as (port, _):
        assert ask_one(port) == lack.format(url=f"http://127.0.0.1:{port}/readyz")


def test_an_answer_may_come_in_pieces() -> None:
    def dribble(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.001)

    with server(dribble) as (port, _):
        assert ask_one(port) == ""


def test_nobody_at_the_port_is_told_at_once() -> None:
    with listener() as port:
        pass
    started = time.monotonic()
    assert ask_one(port) == f"gives no answer at http://127.0.0.1:{port}/readyz: Connection refused"
    assert time.monotonic() - started < 10


def test_a_host_that_has_no_address_is_told() -> None:
    (lack,) = ask_all([Question("nowhere.invalid", 80, "/readyz")], 20.0)
    assert lack.startswith("gives no answer at http://nowhere.invalid:80/readyz: ")


def test_all_that_are_silent_cost_the_time_of_one() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(listener()) for _ in range(20)]
        ready, _ = stack.enter_context(server(says(b"HTTP/1.1 200 OK\r\n\r\n")))
        started = time.monotonic()
        lacks = ask_all([Question("127.0.0.1", port, "/") for port in (*ports, ready)], 0.5)
        took = time.monotonic() - started
    assert lacks == [*(f"gave no answer at http://127.0.0.1:{port}/ within 0.5 s" for port in ports), ""]
    assert 0.5 <= took < 5


def test_a_connection_that_is_kept_open_is_not_waited_for() -> None:
    with socket.socket() as patient:
        patient.bind(("127.0.0.1", 0))
        patient.listen()
        ends = kept_open(patient, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        started = time.monotonic()
        assert ask_one(patient.getsockname()[1], 30.0) == ""
        assert time.monotonic() - started < 15
        ends()


def kept_open(listening: socket.socket, answer: bytes) -> Callable[[], None]:
    """Answer one connection and keep it open; returns what ends it."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            over.wait()

    thread = threading.Thread(target=serve)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()

    return end


def test_nobody_to_ask_is_no_question() -> None:
    assert ask_all([], 30.0) == []


def test_an_address_of_version_six_is_bracketed() -> None:
    assert Question("::1", 80, "/readyz").url == "http://[::1]:80/readyz"


def test_of_very_many_some_are_asked_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr.providers.probing._AT_ONCE", 2)
    with ExitStack() as stack:

        def at(answer: bytes) -> Question:
            port, _ = stack.enter_context(server(says(answer)))
            return Question("127.0.0.1", port, "/")

        ready, busy = b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n"
        told = ask_all([at(answer) for answer in (ready, busy, ready, busy, busy)], 20.0)
        assert list(map(bool, told)) == [False, True, False, True, True]
        silent = Question("127.0.0.1", stack.enter_context(listener()), "/")
        told = ask_all([at(ready), silent, Question("127.0.0.1", 1, "/")], 0.3)
        assert list(map(bool, told)) == [False, True, False]
