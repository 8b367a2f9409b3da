"""What a request's head says, worked out once: a client sends the same head again and again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

_WANTED: Final = frozenset(
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
_END: Final = b"\r\n\r\n"
_KEPT: Final = 64
_KEPT_BYTES: Final = 2048
"""Longer heads are not kept, so that all together take little memory."""


class HeadParts:
    """The pieces of a head while it arrives."""

    __slots__ = ("headers", "hosts", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.hosts = 0

    def take_header(self, name: bytes, value: bytes) -> None:
        """Keep a header that matters; several of one name count as the first."""
        name = name.lower()
        if name in _WANTED:
            self.headers.setdefault(name, value.strip(b" \t"))
            self.hosts += name == b"host"


@dataclass(frozen=True, slots=True)
class Head:
    """A head that is whole; changed by nobody, since several requests may have it.

    `path` is percent-decoded, `query` is not. `old` says whether it is of HTTP/1.0, `keeps` whether its
    connection may carry another request, `hosts` how many headers of that name it has. `length` is the
    announced length of the body, None where it comes in chunks or there is none; `waits` says whether
    the client waits with the body until it is asked for it.
    """

    method: str = ""
    path: str = ""
    query: str = ""
    old: bool = False
    keeps: bool = True
    hosts: int = 0
    length: int | None = None
    waits: bool = False
    authorization: str | None = None
    content_type: str = ""
    encoding: str | None = None
    headers: Mapping[bytes, bytes] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, parts: HeadParts, method: str, *, old: bool, keeps: bool) -> "Head":
        """A head of its pieces."""
        path, query = _split(parts.target)
        headers = parts.headers
        return cls(
            method=method,
            path=path,
            query=query,
            old=old,
            keeps=keeps,
            hosts=parts.hosts,
            length=_length(headers.get(b"content-length")),
            waits=not old and headers.get(b"expect", b"").lower() == b"100-continue",
            authorization=_text(headers.get(b"authorization")),
            content_type=_text(headers.get(b"content-type")) or "",
            encoding=_text(headers.get(b"content-encoding")),
            headers=headers,
        )

    @property
    def has_body(self) -> bool:
        """Whether it announces one."""
        return bool(self.length) or b"transfer-encoding" in self.headers


NO_HEAD: Final = Head()
"""Of a request of which no whole head came yet, or none at all."""


class KnownHeads:
    """Heads that came before, by their bytes: they mean the same again, and need not be parsed for it."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """The known head and the body of what is one whole request, and no more; else None."""
        end = data.find(_END) + len(_END)
        head = self._heads.get(data[:end])
        if head is None or len(data) - end != (head.length or 0):
            return None
        return head, data[end:]

    def keep(self, data: bytes, head: Head) -> None:
        """Remember the head of what was read as one whole request, if it may come again."""
        end = data.find(_END) + len(_END)
        # where the parser found the head's end elsewhere, the lengths differ
        plain = len(data) - end == (head.length or 0) and b"transfer-encoding" not in head.headers
        if plain and head.keeps and not head.waits and end <= _KEPT_BYTES:
            if len(self._heads) >= _KEPT:
                self._heads = {}
            self._heads[data[:end]] = head


def _split(target: bytes) -> tuple[str, str]:
    """The path, percent-decoded, and the query, which stays as it is."""
    if not target.startswith(b"/"):
        target = _without_origin(target)
    path, _, query = target.partition(b"?")
    return unquote_to_bytes(path).decode("utf-8", "replace"), query.decode("latin-1")


def _without_origin(target: bytes) -> bytes:
    """The path and query of `http://host/path?query`, which proxies send; others name nothing here."""
    try:
        url = parse_url(target)
    except HttpParserInvalidURLError:
        return target
    return (url.path or b"/") + (b"" if url.query is None else b"?" + url.query)


def _length(told: bytes | None) -> int | None:
    if told is None or not told.isdigit():
        return None
    return int(told.lstrip(b"0") or b"0")  # any number of zeros is allowed before it; int() reads 4,300


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
