"""What a server answers to many connections at once, for the scorer benchmark: whole answers, to compare."""

import select
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bench.scorer_servers import ServerError

_PATIENCE = 60.0
_END = b"\r\n\r\n"


@dataclass
class _Connection:
    """A connection that waits for the answer to one request."""

    socket: socket.socket
    number: int = 0
    buffer: bytes = b""


def post(port: int, path: str, body: str) -> bytes:
    """A request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    data = body.encode()
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def ask_all(port: int, requests: Sequence[bytes], count: int, connections: int) -> list[bytes]:
    """Ask `requests` in turn, `count` times altogether, each connection the next as soon as it was answered.

    Returns:
        The answers' bodies, in the order of their requests.

    Raises:
        ServerError: an answer is no 200, or doesn't come.
    """
    idle = [_Connection(socket.create_connection(("127.0.0.1", port), _PATIENCE)) for _ in range(connections)]
    everyone = tuple(idle)
    try:
        return _drive(idle, requests, count)
    finally:
        for connection in everyone:
            connection.socket.close()


def _drive(idle: list[_Connection], requests: Sequence[bytes], count: int) -> list[bytes]:
    busy: dict[int, _Connection] = {}
    waiting = deque(range(count))
    answers = [b""] * count
    while waiting or busy:
        while waiting and idle:
            connection = idle.pop()
            connection.number = waiting.popleft()
            connection.socket.sendall(requests[connection.number % len(requests)])
            busy[connection.socket.fileno()] = connection
        readable, _, _ = select.select(busy, [], [], _PATIENCE)
        if not readable:
            raise ServerError(f"{len(busy)} requests had no answer within {_PATIENCE:.0f} s")
        for number in readable:
            body = _receive(busy[number])
            if body is not None:
                connection = busy.pop(number)
                answers[connection.number] = body
                idle.append(connection)
    return answers


def _receive(connection: _Connection) -> bytes | None:
    """The body of an answer, once it is whole."""
    data = connection.socket.recv(1 << 20)
    if not data:
        raise ServerError("it closed a connection instead of answering")
    connection.buffer += data
    head, end, body = connection.buffer.partition(_END)
    if not end:
        return None
    length = next(
        int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    if len(body) < length:
        return None
    if not head.startswith(b"HTTP/1.1 200"):
        raise ServerError(f"it answered {head[:20]!r}: {body[:500]!r}")
    connection.buffer = b""
    return body
