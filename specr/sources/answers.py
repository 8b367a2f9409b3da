"""What a server's answers say: how much there is, by what it is known, and what went wrong.

Works on status and headers alone, so that it needs no HTTP library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from specr.canonical import Json
from specr.diagnostics import Diagnostic

TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may well succeed."""

_RANGE: Final = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")
_LATER: Final = "Try again later."
_ELSEWHERE: Final = "Fetch the file by other means, and name its path as the source."
LOGIN: Final = (
    "Put `machine <host> login … password …` into ~/.netrc, or into the file that NETRC names; or fetch the "
    "file by other means, and name its path as the source."
)
_CORRECT: Final = "Correct the URL: open it in a browser to see what is there."

_WORDS: Final = {
    401: ("asks for a login", LOGIN),
    403: ("refuses access", LOGIN),
    404: ("has nothing at this place", _CORRECT),
    407: ("is behind a proxy that asks for a login", "Set HTTPS_PROXY with the proxy's login."),
    410: ("no longer has anything at this place", _CORRECT),
    408: ("gave up waiting", _LATER),
    429: ("asks for fewer requests", _LATER),
    451: ("refuses access for legal reasons", _ELSEWHERE),
    500: ("failed", _LATER),
    502: ("failed behind its gateway", _LATER),
    503: ("is not available now", _LATER),
    504: ("took too long behind its gateway", _LATER),
}

Headers = Mapping[str, str]
"""An answer's headers; asking takes any case, as HTTP libraries do it."""


def size_of(status: int, headers: Headers) -> int | None:
    """The size in bytes of the whole that an answer is about, or None where it does not tell."""
    if status in (206, 416):
        match = _RANGE.fullmatch(headers.get("content-range", ""))
        return int(match[3]) if match and match[3] != "*" else None
    length = headers.get("content-length", "")
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None


def range_start(headers: Headers) -> int | None:
    """Where the part that a 206 brings begins, or None where it does not tell."""
    match = _RANGE.fullmatch(headers.get("content-range", ""))
    return int(match[1]) if match and match[1] else None


def is_empty(status: int, headers: Headers) -> bool:
    """Whether the answer to a request for the first byte says that there is none."""
    return status in (200, 206, 416) and size_of(status, headers) == 0


def pause_asked_for(headers: Headers) -> float:
    """The seconds that a server asks to wait; 0 where it does not say, or names a date."""
    told = headers.get("retry-after", "")
    return float(told) if re.fullmatch(r"\d{1,6}", told) else 0.0


def identity_of(status: int, headers: Headers) -> dict[str, Json]:
    """What a server tells of content without sending it.

    The entity tag where there is one, else the date of the last change, and the size. Both tag
    and date would be one too many: copies of a file on several machines often differ in date.
    """
    identity: dict[str, Json] = {}
    if headers.get("etag"):
        identity["etag"] = headers["etag"]
    elif headers.get("last-modified"):
        identity["lastModified"] = headers["last-modified"]
    size = size_of(status, headers)
    if size is not None:
        identity["size"] = size
    return identity


def validator_of(headers: Headers) -> dict[str, str]:
    """The header to send in order to go on with a transfer; empty where that can't be done safely.

    A weak tag says that two contents mean the same, not that their bytes do (RFC 9110, 13.1.5).
    """
    etag = headers.get("etag", "")
    if etag and not etag.startswith("W/"):
        return {"if-range": etag}
    if not etag and headers.get("last-modified"):
        return {"if-range": headers["last-modified"]}
    return {}


def has_changed(before: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    """Whether two identities contradict each other. What only one of them tells is no contradiction."""
    return any(before[key] != now[key] for key in before.keys() & now.keys())


def refusal(shown: str, status: int, login: str = LOGIN) -> Diagnostic:
    """A status that brings no content, in plain words. `login` is the remedy where one is missing."""
    words, remedy = _WORDS.get(status, (f"answered with HTTP status {status}", _CORRECT))
    remedy = login if remedy == LOGIN else remedy
    told = f" (HTTP status {status})" if status in _WORDS else ""
    return Diagnostic("Artifact can't be fetched", f"The server of {shown} {words}{told}.", remedy)


def unreachable(shown: str, reason: str) -> Diagnostic:
    """No answer came, or it broke off."""
    return Diagnostic(
        "Artifact can't be fetched",
        f"{shown}: {reason}.",
        "Check the URL, the connection and, if you need one, the proxy; then run the command again.",
    )


def too_large(shown: str, limit: int) -> Diagnostic:
    """More than a transfer may bring."""
    return Diagnostic(
        "Artifact is too large to fetch",
        f"{shown} holds more than {limit:,} bytes.",
        _ELSEWHERE,
    )


def too_slow(shown: str, seconds: float, kind: str = "http") -> Diagnostic:
    """It was not over in time, which settings of sources of a kind say."""
    return Diagnostic(
        "Artifact can't be fetched in time",
        f"{shown}: the transfer was not over within {seconds:,g} seconds.",
        "Run the command again, which goes on from there if the server can; or allow more seconds, in the "
        f"Project's `sources: {{{kind}: {{timeout: …}}}}`.",
    )


def changed(shown: str) -> Diagnostic:
    """Other content than was looked up."""
    return Diagnostic(
        "Artifact source has changed",
        f"{shown} gives other content now than when it was looked up.",
        "Plan again.",
    )


def empty(shown: str) -> Diagnostic:
    """Nothing to fetch."""
    return Diagnostic("Artifact source is empty", f"{shown} holds not a single byte.", _CORRECT)
