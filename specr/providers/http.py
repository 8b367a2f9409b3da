"""HTTP to a deployment's own port: one request, one answer; no proxies, no redirects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from specr.providers.protocol import ScorerRequest, ScorerResponse, TransientError

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

ANSWER_LIMIT: Final = 64 << 20
"""Bytes of an answer that are read at most."""

_PIECE: Final = 1 << 16


class _BadAnswerError(Exception):
    """What came is not a whole answer."""


def ask(host: str, port: int, request: ScorerRequest) -> ScorerResponse:
    """Send a request and read the whole answer, within the request's timeout.

    Raises:
        TransientError: no answer came, it was no HTTP, it was too long, or it took too long.
    """
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415 - 20 ms that plans don't need

    deadline = time.monotonic() + request.timeout
    connection = HTTPConnection(host, port, timeout=request.timeout)
    try:
        connection.request(
            request.method, request.path, body=request.body or None, headers=dict(request.headers)
        )
        return _read(connection, connection.getresponse(), deadline)
    except (OSError, HTTPException, ValueError, _BadAnswerError) as error:
        raise TransientError(
            f"{host}:{port} gave no answer to {request.method} {request.path}: {_why(error)}"
        ) from error
    finally:
        connection.close()


def _read(connection: HTTPConnection, response: HTTPResponse, deadline: float) -> ScorerResponse:
    body = bytearray()
    while piece := response.read1(_PIECE):
        body += piece
        if len(body) > ANSWER_LIMIT:
            raise _BadAnswerError(f"more than {ANSWER_LIMIT >> 20} MiB")
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
    if response.length:
        raise _BadAnswerError("it broke off")
    return ScorerResponse(response.status, bytes(body))


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
