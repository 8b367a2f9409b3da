"""Load at a pace of its own for the scorer benchmark: requests go out when they are due, not when others end.

wrk sends when it was answered, so that a slow server is asked less and its latencies look better than its
users find them. Here requests have times, whatever the server does. One thread and plain sockets: it takes a
tenth of the time that the servers take for a request, and tells how late it was itself.
"""

import gc
import random
import select
import socket
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.scorer_load import Load
from bench.scorer_servers import ServerError

CONNECTIONS = 64
_PATIENCE = 60.0
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """The body of an answer, the number of its request, the seconds that it took."""

    number: int
    seconds: float
    body: bytes


@dataclass(frozen=True)
class Paced:
    """What came of a paced load, and how late the sender was for 99 of 100 requests, in milliseconds."""

    load: Load
    late: float


@dataclass
class _Connection:
    """A connection that waits for the answer to one request."""

    socket: socket.socket
    number: int = 0
    started: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)


def post(port: int, path: str, body: str) -> bytes:
    """A request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    data = body.encode()
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def even_times(rate: float, seconds: float) -> list[float]:
    """The times of requests that come evenly, `rate` a second."""
    return [number / rate for number in range(max(1, int(rate * seconds)))]


def random_times(rate: float, seconds: float) -> list[float]:
    """The same number of times, of a Poisson process: of many clients that know nothing of each other."""
    chance = random.Random(7)
    return sorted(chance.uniform(0, seconds) for _ in range(max(1, int(rate * seconds))))


def pace(port: int, requests: Sequence[bytes], times: Sequence[float]) -> Paced:
    """Send requests when they are due, over as many connections as needed, at most 64.

    A request's time counts from when it was sent; if no connection was free then, from when it was due.

    Raises:
        ServerError: an answer is no 200, or doesn't come.
    """
    answers, late = ask_all(port, requests, times)
    milliseconds = sorted(1000 * answer.seconds for answer in answers)
    lasted = max(times[-1], 1e-9)
    load = Load(
        len(answers), len(answers) / lasted, statistics.median(milliseconds), _percentile(milliseconds, 0.99)
    )
    return Paced(load, 1000 * _percentile(sorted(late), 0.99))


def _percentile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def ask_all(
    port: int, requests: Sequence[bytes], times: Sequence[float], connections: int = CONNECTIONS
) -> tuple[list[Answer], list[float]]:
    """Send `requests` in turn at the given times, in seconds from now.

    Returns:
        The answers in the order in which they came, and the seconds that each request went out late while
        a connection was free.
    """
    idle = [_Connection(_connect(port)) for _ in range(connections)]
    everyone = tuple(idle)
    collecting = gc.isenabled()
    gc.disable()  # its pauses would be taken for the server's
    try:
        return _drive(idle, requests, times)
    finally:
        if collecting:
            gc.enable()
        for connection in everyone:
            connection.socket.close()


def _connect(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _drive(
    idle: list[_Connection], requests: Sequence[bytes], times: Sequence[float]
) -> tuple[list[Answer], list[float]]:
    busy: dict[int, _Connection] = {}
    waiting = deque(enumerate(times))
    answers: list[Answer] = []
    late: list[float] = []
    begin = time.perf_counter()
    none_free = False
    while waiting or busy:
        now = time.perf_counter() - begin
        while waiting and idle and waiting[0][1] <= now:
            number, due = waiting.popleft()
            if not none_free:
                late.append(now - due)
            connection = idle.pop()
            connection.number, connection.started = number, begin + (due if none_free else now)
            connection.socket.sendall(requests[number % len(requests)])
            busy[connection.socket.fileno()] = connection
        none_free = not idle
        rest = waiting[0][1] - (time.perf_counter() - begin) if waiting and idle else _PATIENCE
        readable, _, _ = select.select(busy, [], [], max(0.0, rest))
        if not readable and rest == _PATIENCE:
            raise ServerError(f"{len(busy)} requests had no answer within {_PATIENCE:.0f} s")
        for number in readable:
            connection = busy[number]
            body = _receive(connection)
            if body is not None:
                seconds = time.perf_counter() - connection.started
                answers.append(Answer(connection.number, seconds, body))
                idle.append(busy.pop(number))
    return answers, late


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
        raise ServerError(f"it answered {bytes(head[:20])!r}: {bytes(body[:500])!r}")
    connection.buffer = bytearray()
    return bytes(body)
