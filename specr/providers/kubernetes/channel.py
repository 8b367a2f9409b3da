"""Channels into pods through the API server: commands with input and output, and ports.

The API server is the only thing that must be reachable. Nothing here knows what pods are for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from specr.canonical import decode_json
from specr.providers.http import ANSWER_LIMIT
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.trouble import refusal
from specr.providers.protocol import ScorerRequest, ScorerResponse, TransientError

_STDIN: Final = 0
_STDOUT: Final = 1
_STDERR: Final = 2
_STATUS: Final = 3
_SEND_TIMEOUT: Final = 60.0
_SILENCE: Final = 3600.0
"""Seconds after its input's end when a command is given up; hashing much content takes its time."""

_LISTEN: Final = 10.0
"""Seconds that one wait for a word lasts."""


class Ended(Struct, frozen=True):
    """How a command ended."""

    status: int
    output: str
    errors: str


def run_in_pod(
    cluster: Cluster, pod: str, command: Sequence[str], pieces: Iterable[bytes] | None = None
) -> Ended:
    """Run a command in a pod's only container, and wait for its end.

    Its input has no end: the command must know how much there is to read.

    Raises:
        TransientError: the channel broke.
        RefusedError: the pod is not there, or may not be used.
    """
    query = [("stdout", "true"), ("stderr", "true"), ("stdin", str(pieces is not None).lower())]
    query += [("command", part) for part in command]
    from kubernetes.stream.ws_client import WSClient  # noqa: PLC0415 - 300 ms

    socket = _open(
        cluster, cluster.path("pods", pod, "exec"), query, partial(WSClient, capture_all=False, binary=True)
    )
    socket.sock.settimeout(_SEND_TIMEOUT)
    try:
        return _talk(socket, pieces or ())
    except TransientError:
        raise
    except _channel_errors() as error:
        raise TransientError(f"the channel into the pod {pod} broke: {error}") from error
    finally:
        socket.sock.shutdown()  # `close` leaves open what the other side has closed


def ask_port(cluster: Cluster, pod: str, port: int, request: ScorerRequest) -> ScorerResponse:
    """Send an HTTP request to a pod's port, as it is, and read the answer.

    Raises:
        TransientError: no answer came.
    """
    from kubernetes.stream.ws_client import PortForward, create_websocket  # noqa: PLC0415 - 300 ms

    socket = _open(
        cluster, cluster.path("pods", pod, "portforward"), [("ports", str(port))], create_websocket
    )
    forward = PortForward(socket, [port])
    connection = HTTPConnection("127.0.0.1", port, timeout=request.timeout)
    connection.sock = forward.socket(port)
    connection.sock.settimeout(request.timeout)
    try:
        headers = {"Connection": "close", **request.headers}
        connection.request(request.method, request.path, body=request.body or None, headers=headers)
        answer = connection.getresponse()
        body = answer.read(ANSWER_LIMIT + 1)
        if len(body) > ANSWER_LIMIT:
            raise TransientError(f"the answer of pod {pod} is longer than {ANSWER_LIMIT >> 20} MiB")
        return ScorerResponse(answer.status, body)
    except (OSError, HTTPException) as error:
        why = forward.error(port) or error or type(error).__name__
        raise TransientError(f"pod {pod} gave no answer to {request.method} {request.path}: {why}") from error
    finally:
        connection.close()
        forward.close()


def _open(cluster: Cluster, path: str, query: Sequence[tuple[str, str]], make: Callable[..., Any]) -> Any:
    """Open a websocket by one of the official client's ways to make one."""
    from kubernetes.stream.ws_client import get_websocket_url  # noqa: PLC0415 - 300 ms
    from websocket import WebSocketBadStatusException  # noqa: PLC0415 - comes with the client

    url = f"{get_websocket_url(cluster.server + path)}?{urlencode(query)}"
    try:
        return make(cluster.configuration, url, cluster.credentials())
    except WebSocketBadStatusException as error:
        if error.status_code in {400, 429} or error.status_code >= 500:
            raise TransientError(f"no channel to {path}: {error}") from error
        raise refusal("GET", path, error.status_code, _body(error.resp_body)) from error
    except _channel_errors() as error:
        raise TransientError(f"no channel to {path}: {error}") from error


def _talk(socket: Any, pieces: Iterable[bytes]) -> Ended:
    heard: dict[int, bytes] = {_STDOUT: b"", _STDERR: b"", _STATUS: b""}
    try:
        for piece in pieces:
            socket.write_channel(_STDIN, piece)
            _listen(socket, heard, 0)
            if heard[_STATUS]:
                break
    except _channel_errors():
        # The command has ended before it took all: what it said comes first.
        pass
    deadline = time.monotonic() + _SILENCE
    while socket.is_open() and not heard[_STATUS]:
        _listen(socket, heard, _LISTEN)
        if time.monotonic() > deadline:
            raise TransientError(f"a command in a pod has not ended after {_SILENCE:g} s")
    _listen(socket, heard, 0)
    if not heard[_STATUS]:
        raise TransientError("the channel into a pod was closed before the command had ended")
    return Ended(
        _exit_status(heard[_STATUS]),
        heard[_STDOUT].decode(errors="replace"),
        heard[_STDERR].decode(errors="replace"),
    )


def _listen(socket: Any, heard: dict[int, bytes], seconds: float) -> None:
    socket.update(timeout=seconds)
    for channel in heard:
        heard[channel] += socket.read_channel(channel)


def _exit_status(told: bytes) -> int:
    """The exit status in the API server's last word on a command."""
    status = _body(told)
    if status.get("status") == "Success":
        return 0
    for cause in status.get("details", {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise TransientError(f"a command could not be run in a pod: {status.get('message', told)}")


def _body(raw: bytes | str | None) -> dict[str, Any]:
    try:
        value = decode_json(raw or b"{}")
    except ValueError:
        value = {"message": str(raw)}
    return value if isinstance(value, dict) else {"message": str(raw)}


def _channel_errors() -> tuple[type[Exception], ...]:
    from websocket import WebSocketException  # noqa: PLC0415 - comes with the client

    return (OSError, WebSocketException)
