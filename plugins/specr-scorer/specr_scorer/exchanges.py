"""One HTTP request and what is known of it, from the first byte of its head to its answer."""

import time
from typing import Final
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

from specr_scorer.app import Route
from specr_scorer.responses import Job, Response

_SMALL_PIECE: Final = 4096
"""Pieces of a body below so many bytes are copied together, since each kept by itself takes 40 bytes more."""
_WANTED = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"transfer-encoding",
    }
)


class Exchange:
    """A request while it arrives and is answered; `decided` is None until its head is whole.

    `keeps` says whether its connection may carry another request, `old` whether it is of HTTP/1.0, `cut`
    that it was not read to its end; `received` counts the bytes of its body, also those that were not kept.
    """

    __slots__ = (
        "body",
        "cut",
        "decided",
        "headers",
        "keeps",
        "method",
        "old",
        "path",
        "query",
        "received",
        "route",
        "started",
        "target",
    )

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.method = ""
        self.target = b""
        self.path = ""
        self.query = ""
        self.headers: dict[bytes, bytes] = {}
        self.old = False
        self.keeps = True
        self.route: Route | None = None
        self.decided: Response | Job | None = None
        self.body: list[bytes | bytearray] = []
        self.received = 0
        self.cut = False

    def take_header(self, name: bytes, value: bytes) -> None:
        """Keep a header that matters; several of one name count as the first."""
        name = name.lower()
        if name in _WANTED:
            self.headers.setdefault(name, value.strip(b" \t"))

    def take_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        body = self.body
        if not body or len(piece) >= _SMALL_PIECE:
            body.append(piece)
            return
        last = body[-1]
        if isinstance(last, bytearray):
            last += piece
        else:
            body.append(bytearray(piece))

    def header(self, name: bytes) -> str | None:
        """A header's value, one of those that matter, by its name in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def length(self) -> int | None:
        """The announced length of the body; None where it comes in chunks, or there is none."""
        text = self.headers.get(b"content-length")
        if text is None or not text.isdigit():
            return None
        return int(text.lstrip(b"0") or b"0")  # any number of zeros is allowed before it; int() reads 4,300

    @property
    def waits(self) -> bool:
        """Whether the client waits with the body until it is asked for it."""
        return not self.old and self.headers.get(b"expect", b"").lower() == b"100-continue"

    @property
    def has_body(self) -> bool:
        """Whether its head announces one."""
        return bool(self.length) or b"transfer-encoding" in self.headers

    def split_target(self) -> None:
        """Find the path, percent-decoded, and the query, which stays as it is."""
        target = self.target
        if not target.startswith(b"/"):
            target = _without_origin(target)
        path, _, query = target.partition(b"?")
        if b"%" in path:
            path = unquote_to_bytes(path)
        self.path = path.decode("utf-8", "replace")
        self.query = query.decode("latin-1") if query else ""


def _without_origin(target: bytes) -> bytes:
    """The path and query of `http://host/path?query`, which proxies send; others name nothing here."""
    try:
        url = parse_url(target)
    except HttpParserInvalidURLError:
        return target
    return (url.path or b"/") + (b"" if url.query is None else b"?" + url.query)
