"""The scorer API over HTTP/1.1, in one process: granian on the event loop, the model in threads.

RSGI, granian's own interface, rather than ASGI: a request is one call with its head at hand and an
answer is one call back, where ASGI passes each through a chain of messages. The embedded server,
rather than granian's usual parent and workers: the process that a supervisor started is then the one
that holds the model, so its exit status is the model's fate and a signal reaches it.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, NoReturn, Protocol

from granian.constants import HTTPModes, Interfaces
from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]  # made there, not listed
from granian.server.embed import Server

from specr_scorer.app import Application
from specr_scorer.model import LoadError, Model, ScoresMedia
from specr_scorer.responses import Content, Job, Response, error, log_failure, one_line, too_large
from specr_scorer.settings import Settings, SettingsError, read_settings
from specr_scorer.workers import Workers

_CONNECTIONS = 1024
"""Connections held at once; more wait in the kernel, as many again."""


class _Headers(Protocol):
    def get(self, key: str, default: Any = None) -> Any: ...


class _Scope(Protocol):
    """The head of a request (RSGI 1.x); the path is percent-decoded, the query string is not."""

    method: str
    path: str
    query_string: str
    headers: _Headers
    client: str


class _Exchange(Protocol):
    """The body of a request, whole or in pieces, and the way to answer it (RSGI 1.x)."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Service:
    """The RSGI application: reads bodies within the limit, leaves the rest to the Application."""

    def __init__(self, app: Application, settings: Settings, workers: Workers[Response]) -> None:
        self._app = app
        self._workers = workers
        self._access_log = settings.access_log

    async def __rsgi__(self, scope: _Scope, exchange: _Exchange) -> None:
        started = time.perf_counter()
        try:
            response = await self._respond(scope, exchange)
        except asyncio.CancelledError:  # the time to finish is over
            response = error(503, "The runtime is stopping.")
        except (ProtocolClosed, ProtocolError) as problem:  # the client left, or sent no HTTP
            response = error(400, f"The body broke off: {problem}")
        except Exception as bug:  # noqa: BLE001 - the last stop before the client
            log_failure(bug)
            response = error(500, f"The scorer failed: {one_line(bug)}")
        headers = [("content-type", response.content_type), *response.headers]
        exchange.response_bytes(response.status, headers, response.body)
        if self._access_log:
            spent = (time.perf_counter() - started) * 1000
            _log(f"{scope.client} {scope.method} {scope.path!r} {response.status} {spent:.1f} ms")

    async def _respond(self, scope: _Scope, exchange: _Exchange) -> Response:
        headers = scope.headers
        length = _length(headers.get("content-length"))
        decided = self._app.admit(scope.method, scope.path, headers.get("authorization"), length)
        if isinstance(decided, Response):
            return decided
        body = b""
        if decided.limit is not None:
            read = (
                await exchange() if length is not None else await _read_pieces(exchange, decided.limit.size)
            )
            if read is None:
                return too_large(decided.limit)
            body = read
        return await self._work(decided, Content(body, scope.query_string, headers.get("content-type") or ""))

    def _work(self, job: Job, content: Content) -> asyncio.Future[Response]:
        return self._workers.submit(lambda: self._app.answer(job, content))


async def _read_pieces(exchange: _Exchange, limit: int) -> bytes | None:
    """A body of unknown length, or None as soon as it is above the limit."""
    body = bytearray()
    async for piece in exchange:
        body += piece
        if len(body) > limit:
            return None
    return bytes(body)


def _length(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _log(line: str) -> None:
    print(f"specr-scorer: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a server's log


def serve(load: Callable[[], Model | ScoresMedia]) -> int:
    """Serve the model that `load` returns, until a signal, as the environment says.

    The port is bound first, then the model is loaded in a worker thread while /readyz answers 503.
    `load` may raise `LoadError` with a plain reason; any other exception is logged with its
    traceback, which is the model author's to read.

    Returns:
        The exit status: 0 after SIGTERM or SIGINT, 1 where the model could not be loaded, the
        port not bound, or requests still ran when the drain time was over, 2 for a bad setting.
    """
    try:
        settings = read_settings(os.environ)
        _check_port(settings)
    except SettingsError as problem:
        _log(f"{problem}.")
        return 2
    except OSError as problem:
        _log(f"can't listen on {settings.host}:{settings.port}: {problem.strerror}.")
        return 1
    return asyncio.run(_Run(settings, load).main())


def run(load: Callable[[], Model | ScoresMedia]) -> NoReturn:
    """Serve, then end the process with the status that `serve` returned.

    Unlike `sys.exit` it skips the interpreter's own clean-up, which granian's threads don't outlive
    in peace and which a model that never returns would hold up.
    """
    status = serve(load)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _check_port(settings: Settings) -> None:
    """Find out whether the port is free: granian binds it so that two servers could share it unawares.

    Raises:
        OSError: it is taken, or the host is no address of this machine.
        SettingsError: the host is no address at all.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
    except socket.gaierror:
        raise SettingsError(f"SPECR_HOST is {settings.host!r}; it must be an IP address") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


class _Run:
    """One life of the server, from the bound port to the exit status."""

    def __init__(self, settings: Settings, load: Callable[[], Model | ScoresMedia]) -> None:
        self._settings = settings
        self._load = load
        self._app = Application(settings)
        self._stop = asyncio.Event()
        self._status = 0

    async def main(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        workers: Workers[Any] = Workers(self._settings.threads, loop)
        server = self._make_server(workers)
        serving = asyncio.ensure_future(server.serve())
        await asyncio.sleep(0)  # lets the server bind before the first line of the log says so
        stopping = asyncio.ensure_future(self._stop.wait())
        if not serving.done():
            place = f"{self._settings.host}:{self._settings.port}"
            _log(f"listening on {place}; loading the model {self._settings.model_id}.")
            workers.submit(self._load_model).add_done_callback(partial(self._on_loaded, time.monotonic()))
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            failure = serving.exception()
            _log(f"the server ended by itself: {one_line(failure) if failure else 'no reason given'}.")
            return 1
        return await self._shut_down(server, serving)

    def _make_server(self, workers: Workers[Any]) -> Server:
        return Server(
            Service(self._app, self._settings, workers),
            address=self._settings.host,
            port=self._settings.port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            websockets=False,
            backlog=_CONNECTIONS,
            log_enabled=False,
        )

    def _load_model(self) -> None:
        self._app.install(self._load())

    def _on_loaded(self, started: float, future: asyncio.Future[None]) -> None:
        failure = future.exception()
        if failure is None:
            _log(f"ready after {time.monotonic() - started:.1f} s.")
            return
        _log(f"the model at {self._settings.model_path} could not be loaded: {_reason(failure)}")
        if not isinstance(failure, LoadError):
            log_failure(failure)
        self._status = 1
        self._stop.set()

    def _on_signal(self) -> None:
        if self._app.retired:
            _log("stopping at once.")
            sys.stderr.flush()
            os._exit(1)
        self._app.retire()
        asyncio.get_running_loop().call_later(self._settings.stop_delay, self._stop.set)

    async def _shut_down(self, server: Server, serving: asyncio.Future[None]) -> int:
        """Accept nothing new and let what runs finish, for as long as the settings allow."""
        self._app.retire()
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it unannotated
        done, _ = await asyncio.wait({serving}, timeout=self._settings.drain)
        if not done:
            asyncio.get_running_loop().set_exception_handler(_report_unless_settled)
            _log(f"gave up on requests that still ran after {self._settings.drain} s.")
            return 1
        if self._status == 0:
            _log("stopped.")
        return self._status


def _report_unless_settled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what goes wrong in callbacks, but for granian's late answer to a server that was given up."""
    if not isinstance(context.get("exception"), asyncio.InvalidStateError):
        loop.default_exception_handler(context)


def _reason(failure: BaseException) -> str:
    return f"{failure}." if isinstance(failure, LoadError) else f"{one_line(failure)}."
