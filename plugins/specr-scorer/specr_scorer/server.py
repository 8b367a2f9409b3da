"""The scorer API over HTTP/1.1, in one process: connections on the event loop, the model in threads or there.

The process that a supervisor started is the one that holds the model, so its exit status is the model's
fate and a signal reaches it.
"""

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from uvloop import new_event_loop

from specr_scorer.app import Application
from specr_scorer.connections import MOST, Connections
from specr_scorer.messages import flush_streams, log_failure, provide_streams, say
from specr_scorer.model import LoadError, Model, ScoresMedia
from specr_scorer.responses import NOTHING, Content, Response, one_line
from specr_scorer.service import Service
from specr_scorer.settings import Settings, SettingsError, read_settings
from specr_scorer.turns import Turn
from specr_scorer.workers import Task, Workers


def serve(load: Callable[[], Model | ScoresMedia]) -> int:
    """Serve the model that `load` returns, until a signal, as the environment says.

    The port is bound first, then the model is loaded in a worker thread while /readyz answers 503.
    `load` may raise `LoadError` with a plain reason; any other exception is logged with its
    traceback, which is the model author's to read.

    Returns:
        The exit status: 0 after SIGTERM or SIGINT, 1 where the model could not be loaded, the
        port not bound, or requests still ran when the drain time was over, 2 for a bad setting.
    """
    provide_streams()
    try:
        settings = read_settings(os.environ)
        port = _bind(settings)
    except SettingsError as problem:
        say(f"{problem}.")
        return 2
    except OSError as problem:
        say(f"can't listen on {_place(settings)}: {problem.strerror}.")
        return 1
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_Run(settings, load).main(port))


def run(load: Callable[[], Model | ScoresMedia]) -> NoReturn:
    """Serve, then end the process with the status that `serve` returned.

    Unlike `sys.exit` it skips the interpreter's own clean-up, which the threads of many a library don't
    outlive in peace and which a model that never returns would hold up.
    """
    status = serve(load)
    flush_streams()
    os._exit(status)


def _bind(settings: Settings) -> socket.socket:
    """Take the port.

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
    port = socket.socket(family, kind)
    try:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind(address)
        port.listen(MOST)
    except OSError:
        port.close()
        raise
    return port


class _Run:
    """One life of the server, from the bound port to the exit status."""

    def __init__(self, settings: Settings, load: Callable[[], Model | ScoresMedia]) -> None:
        self._settings = settings
        self._load = load
        self._app = Application(settings)
        self._stop = asyncio.Event()
        self._status = 0
        self._moves = False

    async def main(self, port: socket.socket) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        workers: Workers[Content, Response] = Workers(self._settings.threads, loop, self._app.set_overdue)
        connections = Connections(Service(self._app, self._settings, workers), loop, Turn(loop))
        server = await loop.create_server(connections.make, sock=port, backlog=MOST)
        say(f"listening on {_place(self._settings)}; loading the model {self._settings.model_id}.")
        workers.submit(Task(self._load_model, NOTHING, partial(self._on_loaded, workers, time.monotonic())))
        await self._stop.wait()
        return await self._shut_down(server, connections)

    def _load_model(self, _nothing: Content) -> Response:
        self._moves = self._app.install(self._load()).moves
        # libraries and model are there to stay: collections need not walk through all that again
        gc.collect()
        gc.freeze()
        return Response(200, b"")

    def _on_loaded(
        self,
        workers: Workers[Content, Response],
        started: float,
        outcome: Response | BaseException,
    ) -> None:
        if isinstance(outcome, Response):
            seconds = time.monotonic() - started
            self._app.metrics.load_seconds = seconds
            if self._moves:
                workers.allow_inline()
            say(f"ready after {seconds:.1f} s.")
            return
        say(f"the model at {self._settings.model_path} could not be loaded: {_reason(outcome)}")
        if not isinstance(outcome, LoadError):
            log_failure(outcome)
        self._status = 1
        self._stop.set()

    def _on_signal(self) -> None:
        if self._app.retired:
            say("stopping at once.")
            os._exit(1)
        self._app.retire()
        asyncio.get_running_loop().call_later(self._settings.stop_delay, self._stop.set)

    async def _shut_down(self, server: asyncio.Server, connections: Connections) -> int:
        """Accept nothing new and let what runs finish, for as long as the settings allow."""
        self._app.retire()
        server.close()
        if not await connections.drain(self._settings.drain):
            say(f"gave up on requests that still ran after {self._settings.drain} s.")
            return 1
        if self._status == 0:
            say("stopped.")
        return self._status


def _place(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _reason(failure: BaseException) -> str:
    return f"{failure}." if isinstance(failure, LoadError) else f"{one_line(failure)}."
