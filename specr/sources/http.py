"""Content from the web: `http://` and `https://` URLs.

Resolving asks for headers only. Fetching brings the bytes just as they are sent, without
undoing any compression, and goes on where an earlier transfer broke off if the server can.
Proxies come from the environment as curl takes them, logins from the netrc file.
The HTTP library is imported when the first question is asked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specr.canonical import Json
from specr.diagnostics import Diagnostic, DiagnosticError, Severity
from specr.sources import answers
from specr.sources.connection import Access, BrokenError, Connection
from specr.sources.limits import HttpLimits
from specr.sources.partial import Partial, open_partial
from specr.sources.protocol import Resolved
from specr.sources.url import check_url, shown_url

if TYPE_CHECKING:
    import httpx

_LOG: Final = logging.getLogger(__name__)


class HttpSource:
    """Content behind a URL. Fulfils `Source`; see there for what each method promises."""

    def __init__(
        self,
        partials: Path,
        limits: HttpLimits = HttpLimits(),  # noqa: B008 - a frozen value
        pause: Callable[[float], None] = time.sleep,
        access: Access = Access(),  # noqa: B008 - the same
        *,
        may_be_empty: bool = False,
    ) -> None:
        """Keep what broken transfers brought in the folder `partials`, which need not exist yet.

        `may_be_empty` is for URLs that are one file of many.
        """
        self._may_be_empty = may_be_empty
        self._partials = partials
        self._limits = limits
        self._connection = Connection(limits, pause, access)

    def resolve(self, reference: str, base: Path) -> Resolved:  # noqa: ARG002 - the Protocol's
        """See `Source`. The digest is never known: servers don't tell it."""
        url, shown = check_url(reference), shown_url(reference)
        with self._connection.client(shown) as client:
            identity = self._connection.repeat(lambda: self._probe(client, url, shown))
        size = identity.get("size")
        if size == 0:
            raise DiagnosticError(answers.empty(shown))
        if size is not None and size > self._limits.size:
            raise DiagnosticError(answers.too_large(shown, self._limits.size))
        flaw = _untold(shown, identity)
        return Resolved(None, size, identity, described=shown, diagnostics=(flaw,) if flaw else ())

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:
        """See `Source`."""
        url, shown = check_url(reference), shown_url(reference)
        with open_partial(self._partials, reference) as partial:
            with self._connection.client(shown) as client:
                self._connection.repeat(lambda: self._transfer(client, url, resolved, partial))
            # Not before it is known that the time was not up: cut off, some answers look whole.
            if partial.size == 0 and not self._may_be_empty:
                raise DiagnosticError(answers.empty(shown))
            partial.finish(target)
        return target

    def _probe(self, client: httpx.Client, url: str, shown: str) -> dict[str, Json]:
        """What the server tells of the content, by HEAD; by the first byte where that tells too little."""
        with self._connection.asking(shown):
            _LOG.info("HEAD %s", shown)
            response = client.head(url)
            if response.is_success and answers.identity_of(200, response.headers).get("size"):
                self._connection.judge(response, shown)
                return answers.identity_of(200, response.headers)
            _LOG.info("GET %s, first byte", shown)
            with client.stream("GET", url, headers={"range": "bytes=0-0"}) as response:
                if answers.is_empty(response.status_code, response.headers):
                    raise DiagnosticError(answers.empty(shown))
                self._connection.judge(response, shown)
                return answers.identity_of(response.status_code, response.headers)

    def _transfer(self, client: httpx.Client, url: str, resolved: Resolved, partial: Partial) -> None:
        """One attempt to bring all that is missing."""
        shown = resolved.described
        going_on = {"range": f"bytes={partial.size}-", **partial.validator}
        headers = going_on if partial.size and partial.validator else {}
        _LOG.info("GET %s, from byte %d", shown, partial.size if headers else 0)
        with self._connection.asking(shown), client.stream("GET", url, headers=headers) as response:
            status, told = response.status_code, response.headers
            if headers and status == 416 and answers.size_of(status, told) == partial.size:
                return  # nothing was missing but the knowledge of it
            if headers and status in (206, 416) and answers.range_start(told) != partial.size:
                partial.restart({})
                raise BrokenError(answers.unreachable(shown, "it sent another part than was asked for"))
            self._connection.judge(response, shown)
            if answers.has_changed(resolved.identity, answers.identity_of(status, told)):
                partial.restart({})
                raise DiagnosticError(answers.changed(shown))
            if status == 200:
                partial.restart(answers.validator_of(told))
            self._receive(response, partial, shown)

    def _receive(self, response: httpx.Response, partial: Partial, shown: str) -> None:
        whole = answers.size_of(response.status_code, response.headers)
        if whole is not None and whole > self._limits.size:
            raise DiagnosticError(answers.too_large(shown, self._limits.size))
        for piece in response.iter_raw():  # without a size, which would hold back the last bytes of a break
            partial.write(piece)
            if partial.size > self._limits.size:
                partial.restart({})
                raise DiagnosticError(answers.too_large(shown, self._limits.size))
        if whole is not None and partial.size != whole:
            missing = f"it ended after {partial.size:,} of {whole:,} bytes"
            raise BrokenError(answers.unreachable(shown, missing))


def _untold(shown: str, identity: Mapping[str, Json]) -> Diagnostic | None:
    """Warn where a server does not tell enough for a change of content to be noticed."""
    if "etag" in identity or "lastModified" in identity:
        return None
    if identity:
        detail = f"The server of {shown} tells the size alone: other content of that size goes unnoticed."
    else:
        detail = f"The server of {shown} tells nothing of its content, so every plan shows it as changed."
    return Diagnostic(
        "Changes of an artifact can't be seen",
        detail,
        "Pin the artifact's `digest`.",
        severity=Severity.WARNING,
    )
