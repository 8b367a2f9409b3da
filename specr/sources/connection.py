"""A way to one or more HTTP servers: how they let one in, how long to wait, when to try again.

Says what went wrong in specr's own words, and keeps URLs, which may hold secrets, out of them. The
HTTP library is imported when the first question is asked.
"""

from __future__ import annotations

import netrc
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from specr import __version__
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources import answers
from specr.sources.deadline import Deadline
from specr.sources.limits import HttpLimits

if TYPE_CHECKING:
    import httpx

_ERRNO: Final = re.compile(r"\[Errno -?\d+\] ")

_LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts, whatever a server asks for."""

T = TypeVar("T")


class BrokenError(Exception):
    """An attempt failed in a way that another may not. `pause` is what the server asks for, in seconds."""

    def __init__(self, diagnostic: Diagnostic, pause: float = 0.0) -> None:
        super().__init__(diagnostic.detail)
        self.diagnostic = diagnostic
        self.pause = pause


def netrc_login() -> Mapping[str, Any]:
    """Logins by machine, from the netrc file if there is one.

    Raises:
        DiagnosticError: the file can't be read.
    """
    return {"auth": _login()}


class Access(Struct, frozen=True):
    """How servers let one in.

    `options` gives arguments of the HTTP library's client; it is called for each client. `remedy`
    says what to do where a server does not let one in.
    """

    options: Callable[[], Mapping[str, Any]] = netrc_login
    remedy: str = answers.LOGIN


class Connection:
    """Asks HTTP servers. Safe for several threads, each with a client of its own."""

    def __init__(
        self,
        limits: HttpLimits = HttpLimits(),  # noqa: B008 - a frozen value
        pause: Callable[[float], None] = time.sleep,
        access: Access = Access(),  # noqa: B008 - the same
    ) -> None:
        self._limits = limits
        self._pause = pause
        self._access = access

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The certificates to trust; reading them takes longer than most answers do, so it is done once."""
        import httpx  # noqa: PLC0415 - a tenth of a second that most plans can do without

        return httpx.create_ssl_context()

    def repeat(self, attempt: Callable[[], T]) -> T:
        """Try until an attempt succeeds, fails for good, or was the last."""
        for number in range(1, self._limits.attempts):
            try:
                return attempt()
            except BrokenError as error:
                self._pause(min(max(error.pause, 0.25 * 2**number), _LONGEST_PAUSE))
        try:
            return attempt()
        except BrokenError as error:
            raise DiagnosticError(error.diagnostic) from error

    @contextmanager
    def asking(self, shown: str) -> Iterator[None]:
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
            raise BrokenError(answers.unreachable(shown, reason)) from None
        except httpx.TimeoutException:
            reason = f"no sign of life for {limits.read:g} seconds"
            raise BrokenError(answers.unreachable(shown, reason)) from None
        except httpx.ConnectError as error:
            reason = f"no connection ({_ERRNO.sub('', str(error))})"
            raise BrokenError(answers.unreachable(shown, reason)) from None
        except httpx.TransportError:
            raise BrokenError(answers.unreachable(shown, "the connection broke off")) from None

    @contextmanager
    def client(self, shown: str) -> Iterator[httpx.Client]:
        """A client for what is shown as `shown`, until the end of the block or of the time for all of it.

        Raises:
            DiagnosticError: the environment's settings of connections make no sense, or the time was up.
        """
        deadline = Deadline(self._limits.whole)
        with self._client(deadline) as client, deadline:  # what the machine takes to get ready does not count
            try:
                yield client
            except (BrokenError, DiagnosticError):
                if not deadline.is_over:
                    raise
            if deadline.is_over:
                raise DiagnosticError(answers.too_slow(shown, self._limits.whole))

    def _client(self, deadline: Deadline) -> httpx.Client:
        import httpx  # noqa: PLC0415 - see above

        def watch(request: httpx.Request) -> None:
            if deadline.is_over:
                raise DiagnosticError(answers.too_slow(request.url.host, deadline.seconds))
            deadline.watch(request)

        limits = self._limits
        try:
            return httpx.Client(
                **{"verify": self._tls, **self._access.options()},
                follow_redirects=True,
                max_redirects=limits.redirects,
                timeout=httpx.Timeout(limits.read, connect=limits.connect),
                event_hooks={"request": [watch]},
                # Bytes as they lie at the server; a digest of what some proxy compressed means nothing.
                headers={"accept-encoding": "identity", "user-agent": f"specr/{__version__}"},
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            raise DiagnosticError(_unusable_environment()) from error

    def judge(self, response: httpx.Response, shown: str) -> None:
        """Refuse an answer that brings no content."""
        was_safe = any(earlier.url.scheme == "https" for earlier in response.history)
        if was_safe and response.url.scheme != "https":
            raise DiagnosticError(answers.unreachable(shown, "it redirects from https to plain http"))
        status = response.status_code
        if status in answers.TRANSIENT:
            raise BrokenError(
                answers.refusal(shown, status, self._access.remedy),
                answers.pause_asked_for(response.headers),
            )
        if status != 200 and not (status == 206 and "range" in response.request.headers):
            raise DiagnosticError(answers.refusal(shown, status, self._access.remedy))


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
