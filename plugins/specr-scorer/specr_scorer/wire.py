"""Answers as HTTP/1.1 puts them on the wire."""

import time
from http import HTTPStatus
from typing import Final
from wsgiref.handlers import format_date_time

from specr_scorer.responses import Response

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a client waits for that asks before it sends a body."""

_Key = tuple[int, str, tuple[tuple[str, str], ...], str | None]


class Encoder:
    """Writes answers; heads, most of which differ by the length of the body alone, are kept for a second."""

    def __init__(self) -> None:
        self._second = 0
        self._heads: dict[_Key, bytes] = {}

    def encode(self, response: Response, connection: str | None = None, *, head_only: bool = False) -> bytes:
        """The bytes of an answer.

        Args:
            response: the answer.
            connection: the value of the header of that name; None for what HTTP/1.1 takes for granted.
            head_only: leave out the body, of which the head tells the length.
        """
        second = int(time.time())
        if second != self._second:  # the date changed
            self._second = second
            self._heads = {}
        key = (response.status, response.content_type, response.headers, connection)
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._make_head(*key)
        body = response.body
        return b"%b%d\r\n\r\n%b" % (head, len(body), b"" if head_only else body)

    def _make_head(
        self, status: int, content_type: str, headers: tuple[tuple[str, str], ...], connection: str | None
    ) -> bytes:
        """All lines but the end of the last."""
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"date: {format_date_time(self._second)}",
            f"content-type: {content_type}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        if connection is not None:
            lines.append(f"connection: {connection}")
        return ("\r\n".join(lines) + "\r\ncontent-length: ").encode("latin-1")
