"""Content from the web: `http://` and `https://` URLs.

Resolving asks for headers only. Fetching brings the bytes just as they are sent, without
undoing any compression, and goes on where an earlier transfer broke off if the server can.
Proxies come from the environment as curl takes them, logins from the netrc file.
The HTTP library is imported when the first question is asked.
"""

from __future__ import annotations

import logging
import netrc
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from specr import __version__
from specr.canonical import Json
from specr.diagnostics import Diagnostic, DiagnosticError, Severity
from specr.sources import answers
from specr.sources.limits import HttpLimits
from specr.sources.partial import Partial, open_partial
from specr.sources.protocol import Resolved
from specr.sources.url import check_url, shown_url

if TYPE_CHECKING:
    import httpx

_ERRNO: Final = re.compile(r"\[Errno -?\d+\] ")

_LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts, whatever a server asks for."""


_LOG: Final = logging.getLogger(__name__)

T = TypeVar("T")


class _BrokenError(Exception):
    """An attempt failed in a way that another may not. `pause` is what the server asks for, in seconds."""

    def __init__(self, diagnostic: Diagnostic, pause: float = 0.0) -> None:
        super().__init__(diagnostic.detail)
        self.diagnostic = diagnostic
        self.pause = pause


class HttpSource:
    """Content behind a URL. Fulfils `Source`; see there for what each method promises."""

    def __init__(
        self,
        partials: Path,
        limits: HttpLimits = HttpLimits(),  # noqa: B008 - a frozen value
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep what broken transfers brought in the folder `partials`, which need not exist yet."""
        self._partials = partials
        self._limits = limits
        self._pause = pause

    def resolve(self, reference: str, base: Path) -> Resolved:  # noqa: ARG002 - the Protocol's
        """See `Source`. The digest is never known: servers don't tell it."""
        url, shown = check_url(reference), shown_url(reference)
        with self._client() as client:
            identity = self._repeat(lambda: self._probe(client, url, shown))
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
        with open_partial(self._partials, reference) as partial, self._client() as client:
            self._repeat(lambda: self._transfer(client, url, resolved, partial))
            if partial.size == 0:
                raise DiagnosticError(answers.empty(shown))
            partial.finish(target)
        return target

    def _probe(self, client: httpx.Client, url: str, shown: str) -> dict[str, Json]:
        """What the server tells of the content, by HEAD; by the first byte where that tells too little."""
        with self._asking(shown):
            _LOG.info("HEAD %s", shown)
            response = client.head(url)
            if response.is_success and answers.identity_of(200, response.headers).get("size"):
                self._judge(response, shown)
                return answers.identity_of(200, response.headers)
            _LOG.info("GET %s, first byte", shown)
            with client.stream("GET", url, headers={"range": "bytes=0-0"}) as response:
                if answers.is_empty(response.status_code, response.headers):
                    raise DiagnosticError(answers.empty(shown))
                self._judge(response, shown)
                return answers.identity_of(response.status_code, response.headers)

    def _transfer(self, client: httpx.Client, url: str, resolved: Resolved, partial: Partial) -> None:
        """One attempt to bring all that is missing."""
        shown = resolved.described
        going_on = {"range": f"bytes={partial.size}-", **partial.validator}
        headers = going_on if partial.size and partial.validator else {}
        _LOG.info("GET %s, from byte %d", shown, partial.size if headers else 0)
        with self._asking(shown), client.stream("GET", url, headers=headers) as response:
            status, told = response.status_code, response.headers
            if headers and status == 416 and answers.size_of(status, told) == partial.size:
                return  # nothing was missing but the knowledge of it
            if headers and status in (206, 416) and answers.range_start(told) != partial.size:
                partial.restart({})
                raise _BrokenError(answers.unreachable(shown, "it sent another part than was asked for"))
            self._judge(response, shown)
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
            raise _BrokenError(answers.unreachable(shown, missing))

    def _judge(self, response: httpx.Response, shown: str) -> None:
        """Refuse an answer that brings no content."""
        was_safe = any(earlier.url.scheme == "https" for earlier in response.history)
        if was_safe and response.url.scheme != "https":
            raise DiagnosticError(answers.unreachable(shown, "it redirects from https to plain http"))
        status = response.status_code
        if status in answers.TRANSIENT:
            raise _BrokenError(answers.refusal(shown, status), answers.pause_asked_for(response.headers))
        if status != 200 and not (status == 206 and "range" in response.request.headers):
            raise DiagnosticError(answers.refusal(shown, status))

    def _repeat(self, attempt: Callable[[], T]) -> T:
        """Try until an attempt succeeds, fails for good, or was the last."""
        for number in range(1, self._limits.attempts):
            try:
                return attempt()
            except _BrokenError as error:
                self._pause(min(max(error.pause, 0.25 * 2**number), _LONGEST_PAUSE))
        try:
            return attempt()
        except _BrokenError as error:
            raise DiagnosticError(error.diagnostic) from error

    @contextmanager
    def _asking(self, shown: str) -> Iterator[None]:
        """Turn what the HTTP library raises into our own errors, and keep URLs out of them."""
        import httpx  # noqa: PLC0415 - a tenth of a second that most plans can do without

        limits = self._limits
        try:
            yield
        except httpx.TooManyRedirects:
            reason = f"it redirects more than {limits.redirects} times, perhaps in circles"
            raise DiagnosticError(answers.unreachable(shown, reason)) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            reason = "it redirects to something that is no http or https URL"
            raise DiagnosticError(answers.unreachable(shown, reason)) from None
        except httpx.ConnectTimeout:
            reason = f"no connection within {limits.connect:g} seconds"
            raise _BrokenError(answers.unreachable(shown, reason)) from None
        except httpx.TimeoutException:
            reason = f"no sign of life for {limits.read:g} seconds"
            raise _BrokenError(answers.unreachable(shown, reason)) from None
        except httpx.ConnectError as error:
            reason = f"no connection ({_ERRNO.sub('', str(error))})"
            raise _BrokenError(answers.unreachable(shown, reason)) from None
        except httpx.TransportError:
            raise _BrokenError(answers.unreachable(shown, "the connection broke off")) from None

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        import httpx  # noqa: PLC0415 - see above

        limits = self._limits
        try:
            client = httpx.Client(
                auth=_login(),
                follow_redirects=True,
                max_redirects=limits.redirects,
                timeout=httpx.Timeout(limits.read, connect=limits.connect),
                # Bytes as they lie at the server; a digest of what some proxy compressed means nothing.
                headers={"accept-encoding": "identity", "user-agent": f"specr/{__version__}"},
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            raise DiagnosticError(_unusable_environment()) from error
        with client:
            yield client


def _login() -> httpx.NetRCAuth | None:
    """Logins by machine, from the netrc file if there is one."""
    import httpx  # noqa: PLC0415 - see above

    path = Path(os.environ.get("NETRC") or os.path.expanduser("~/.netrc"))  # noqa: PTH111 - raises nothing
    if not path.is_file():
        return None
    try:
        return httpx.NetRCAuth(str(path))
    except (netrc.NetrcParseError, OSError, ValueError) as error:
        # Without the parser's own words, which may hold a password.
        line = f", line {error.lineno}" if isinstance(error, netrc.NetrcParseError) else ""
        raise DiagnosticError(
            Diagnostic(
                "Logins can't be read",
                f"{path}{line}: this is no netrc file, or it can't be read.",
                "Each entry is written `machine <host> login <name> password <password>`.",
            ),
        ) from error


def _unusable_environment() -> Diagnostic:
    return Diagnostic(
        "Settings of the connection can't be used",
        "A proxy's URL or a certificate file that the environment names is wrong.",
        "Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
    )


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
