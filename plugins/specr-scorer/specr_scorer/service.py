"""The RSGI application: reads heads and bodies, has the work done, answers, counts.

RSGI, granian's own interface, rather than ASGI: a request is one call with its head at hand and an
answer is one call back, where ASGI passes each through a chain of messages.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]  # made there, not listed

from specr_scorer.access import log_request
from specr_scorer.app import Application, Route
from specr_scorer.deadlines import Deadlines
from specr_scorer.responses import Content, Job, Response, error, failed, too_large
from specr_scorer.settings import Settings
from specr_scorer.workers import Task, Workers

_SMALL: Final = 16 * 1024
"""Up to so many bytes, a score request may share a frame with others, and run on the loop."""
_CLOSE: Final = ("connection", "close")


class Headers(Protocol):
    """A request's headers; several of one name count as the first."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a header, by its name in lower case."""


class Scope(Protocol):
    """The head of a request (RSGI 1.x); the path is percent-decoded, the query string is not."""

    method: str
    path: str
    query_string: str
    headers: Headers
    client: str


class Exchange(Protocol):
    """The body of a request, whole or in pieces, and the way to answer it (RSGI 1.x)."""

    async def __call__(self) -> bytes:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they arrive."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""


class Service:
    """Serves the Application over RSGI. Everything here happens in the event loop's thread."""

    def __init__(
        self,
        app: Application,
        settings: Settings,
        workers: Workers[Content, Response],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._app = app
        self._metrics = app.metrics
        self._workers = workers
        self._settings = settings
        self._reading = Deadlines[asyncio.Task[Any]](loop, settings.read_timeout, self._give_up_reading)
        self._scoring = Deadlines[asyncio.Future[Response]](
            loop, settings.score_timeout, self._give_up_scoring
        )
        self._late: set[asyncio.Task[Any]] = set()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        started = time.perf_counter()
        metrics, route, content = self._metrics, self._app.find(scope.path), None
        metrics.in_flight += 1
        try:
            decided = self._admit(route, scope)
            if isinstance(decided, Job):
                content = await self._fetch(decided, scope, exchange)
                decided = await self._work(decided, content) if isinstance(content, Content) else content
            response = decided
        except asyncio.CancelledError:
            response = self._cancelled()
        except (ProtocolClosed, ProtocolError) as problem:  # the client left, or sent no HTTP
            response = error(400, f"The body broke off: {problem}")
        except Exception as bug:  # noqa: BLE001 - the last stop before the client
            response = failed(bug)
        headers = [("content-type", response.content_type), *response.headers]
        if self._app.retired:  # so that clients' next requests go elsewhere, before the port closes
            headers.append(_CLOSE)
        exchange.response_bytes(response.status, headers, response.body)
        metrics.in_flight -= 1
        seconds = time.perf_counter() - started
        label = "other" if route is None else route.path
        method = scope.method if route is not None and scope.method in route.methods else "other"
        metrics.observe(label, method, response.status, seconds, response.rows)
        if self._settings.access_log:
            received = len(content.body) if isinstance(content, Content) else 0
            log_request(scope.client, scope.method, scope.path, received, response, seconds)

    def _admit(self, route: Route | None, scope: Scope) -> Response | Job:
        headers = scope.headers
        length = _length(headers.get("content-length"))
        return self._app.admit(route, scope.method, headers.get("authorization"), length)

    async def _fetch(self, job: Job, scope: Scope, exchange: Exchange) -> Content | Response:
        """What the job needs of the request, or the refusal of a body that is too large."""
        headers = scope.headers
        kind = headers.get("content-type") or ""
        if job.limit is None:
            return Content(b"", scope.query_string, kind)
        task = asyncio.current_task()
        assert task is not None
        self._reading.start(task)
        try:
            known = headers.get("content-length") is not None
            body = await exchange() if known else await _read_pieces(exchange, job.limit.size)
        finally:
            self._reading.end(task)
        return too_large(job.limit) if body is None else Content(body, scope.query_string, kind)

    async def _work(self, job: Job, content: Content) -> Response:
        small = job.limit is not None and len(content.body) <= _SMALL
        task = Task(job.run, content, job.together if small else None, small)
        if task.together is None or self._metrics.in_flight == 1:  # nothing is gained by waiting for others
            response = self._workers.do_now(task)
            if response is not None:
                return response
        future = self._workers.submit(task)
        self._scoring.start(future)
        try:
            return await future
        finally:
            self._scoring.end(future)

    def _give_up_reading(self, task: asyncio.Task[Any]) -> None:
        self._late.add(task)
        task.cancel()

    def _give_up_scoring(self, future: asyncio.Future[Response]) -> None:
        limit = self._settings.score_timeout
        detail = f"Scoring took longer than {limit} seconds (SPECR_SCORE_TIMEOUT)."
        self._workers.give_up(future, error(504, detail))

    def _cancelled(self) -> Response:
        task = asyncio.current_task()
        if task in self._late:
            self._late.discard(task)
            limit = self._settings.read_timeout
            detail = f"The body did not arrive within {limit} seconds (SPECR_READ_TIMEOUT)."
            return error(408, detail, _CLOSE)
        return error(503, "The runtime is stopping.")  # the time to finish is over


def _length(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


async def _read_pieces(exchange: Exchange, limit: int) -> bytes | None:
    """A body of unknown length, or None as soon as it is above the limit."""
    body = bytearray()
    async for piece in exchange:
        body += piece
        if len(body) > limit:
            return None
    return bytes(body)
