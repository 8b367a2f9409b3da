"""A client's connection: its requests one after the other, each answered before the next is looked at.

What comes while a request is served is not read, and no client holds a place for long by what it does
not send, or does not read.
"""

import asyncio
import math
import time
from typing import Final, Protocol, cast

from specr_scorer.access import shown_address
from specr_scorer.exchanges import Exchange
from specr_scorer.heads import KnownHeads
from specr_scorer.phases import (
    FAREWELL_SECONDS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    LINGER_SECONDS,
    UNREAD_SECONDS,
    Phase,
)
from specr_scorer.reader import Reader
from specr_scorer.responses import Content, Job, Response, error, failed
from specr_scorer.service import Service
from specr_scorer.turns import Turn
from specr_scorer.wire import CONTINUE, Encoder
from specr_scorer.workers import Task

_SMALL: Final = 16 * 1024
"""Up to so many bytes wait for what else arrives."""
_TURN_SECONDS: Final = 0.005
"""How long requests sent ahead are answered until it is the turn of other connections."""


class Register(Protocol):
    """Who knows all connections."""

    def add(self, connection: "Connection") -> None:
        """Take note of a client that came."""

    def remove(self, connection: "Connection") -> None:
        """Take note of a client that left."""


class Connection(asyncio.Protocol):
    """One connection, from when it is made until it is lost. All in the event loop's thread.

    `deadline` is when, by the loop's clock, `be_late` should be called.

    Args:
        service: what serves requests.
        encoder: shared by all connections.
        loop: whose clock counts.
        turn: in which what arrives is read, where it is worth waiting for others.
        known: the heads that came before, on whichever connection.
        register: is told when the connection is there, and when it is gone.
    """

    def __init__(
        self,
        service: Service,
        encoder: Encoder,
        loop: asyncio.AbstractEventLoop,
        turn: Turn,
        known: KnownHeads,
        register: Register,
    ) -> None:
        self.phase = Phase.IDLE
        self.deadline = math.inf
        self._service = service
        self._encoder = encoder
        self._loop = loop
        self._turn = turn
        self._register = register
        self._reader = Reader(service.begin, known)
        self._transport: asyncio.Transport
        self._client = ""
        self._served: Exchange | None = None
        self._task: Task[Content, Response] | None = None
        self._arrived = b""
        self._held = b""
        self._unread = 0
        self._blocked = False
        self._deaf = False
        self._linger: float = LINGER_SECONDS

    @property
    def owes(self) -> bool:
        """Whether its client has something to wait for, or was not yet heard out."""
        asked = self._served is not None or self._reader.whole or not self._deaf
        return bool(asked or self._transport.get_write_buffer_size())

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._client = shown_address(transport.get_extra_info("peername"))
        self._wait()
        self._register.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone: nobody waits for an answer any more."""
        self._register.remove(self)
        self._deaf = True
        self._arrived = b""
        served, self._served = self._served, None
        self._cancel()
        if served is not None:
            self._service.abandon(served, self._client)
        self._abandon_others()

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._deaf:
            return
        if self._served is not None or self._blocked or self._reader.whole:
            self._hold(data)
        elif self._service.connected == 1 or self._arrived or len(data) > _SMALL:
            self._arrived += data
            self.catch_up()
        else:
            self._arrived = data
            self._turn.add(self)

    def eof_received(self) -> bool:
        """The client sends no more; what it asked for, it may still wait for."""
        self.catch_up()
        self._deaf = True
        self._linger = 0  # for nothing that could come
        waits = self._served is not None or bool(self._reader.whole)
        if not waits:
            self._close()
        return waits

    def pause_writing(self) -> None:
        """The client does not read its answers as fast as it asks for more."""
        self._blocked = True
        self._await_reading(Phase.UNREAD, UNREAD_SECONDS)

    def resume_writing(self) -> None:
        """It read."""
        self._blocked = False
        self._advance()

    # What the server calls.

    def catch_up(self) -> None:
        """Read what arrived and was not read yet, if anything."""
        data, self._arrived = self._arrived, b""
        if data and not self._deaf:
            self._read(data)
            self._advance()

    def be_late(self) -> None:
        """The deadline is over: give up on what this connection waits for."""
        if self._arrived:  # just in time
            self.catch_up()
            return
        if self.phase is Phase.HEAD:
            self.refuse(error(408, f"The head did not arrive within {HEAD_SECONDS} seconds."))
        elif self.phase is Phase.BODY:
            self.refuse(self._service.read_too_slowly())
        elif self.phase is Phase.ANSWER:
            self.deadline = math.inf
            if self._task is not None:
                self._on_done(self._service.give_up_scoring(self._task))
        elif 0 < self._transport.get_write_buffer_size() < self._unread:  # slow, but it reads
            self._await_reading(self.phase, UNREAD_SECONDS)
        else:
            self.deadline = math.inf
            self._transport.abort()

    def fail(self) -> None:
        """Close at once, since this connection is broken here."""
        self._transport.abort()

    def retire(self) -> None:
        """No further request is wanted: close now if none is under way, else after its answer."""
        self.catch_up()
        self._linger = min(self._linger, FAREWELL_SECONDS)
        if self.phase is Phase.IDLE:
            self._close()
        elif self.phase is Phase.CLIENT:
            self._enter(Phase.CLIENT, self._linger)

    def give_up(self) -> None:
        """Close, and answer what is asked with a 503."""
        self.catch_up()
        stopping = error(503, "The runtime is stopping.")
        if self.phase is Phase.BODY:
            self.refuse(stopping)
        elif self.phase is Phase.ANSWER:
            asked, self._served = self._served or self._reader.whole.popleft(), None
            self._cancel()
            asked.keeps = False
            self._answer(asked, stopping)
        self._close()

    def refuse(self, response: Response) -> None:
        """Read no more, answer this after what was asked before, and close."""
        self.catch_up()
        self._refuse(response)
        self._advance()

    # How it goes on.

    def _read(self, data: bytes) -> None:
        """Read until a request is whole, and hold back the rest."""
        reader = self._reader
        start = 0
        while start < len(data) and not reader.whole:
            end = start + reader.appetite
            start, refusal = end, reader.feed(data[start:end])
            if refusal is not None:
                self._refuse(refusal)
        if start < len(data) and not self._deaf:
            self._hold(data[start:])

    def _hold(self, data: bytes) -> None:
        self._held += data
        self._transport.pause_reading()

    def _refuse(self, response: Response) -> None:
        reader = self._reader
        exchange = reader.coming or Exchange()
        reader.coming = None
        self._service.refuse(exchange, response)
        exchange.keeps = False
        exchange.cut = True
        reader.whole.append(exchange)
        self._deaf = True

    def _advance(self) -> None:
        """Serve what is whole, one after the other; then take what was held back, or wait for more."""
        whole = self._reader.whole
        started = time.perf_counter()
        while self._served is None and not self._blocked:
            if whole:
                if time.perf_counter() - started > _TURN_SECONDS:
                    self._enter(Phase.ANSWER, math.inf)
                    self._loop.call_soon(self._advance)
                    return
                self._serve(whole.popleft())
            elif self._deaf:
                if self.phase is not Phase.CLIENT:
                    self._close()
                return
            elif self._held:
                data, self._held = self._held, b""
                self._read(data)
                if not self._held:
                    self._transport.resume_reading()
            else:
                self._wait()
                return

    def _serve(self, exchange: Exchange) -> None:
        self.phase = Phase.IDLE
        outcome = exchange.decided
        assert outcome is not None
        if isinstance(outcome, Job):
            served = self._service.serve(exchange, outcome, self._on_done)
            if not isinstance(served, Response):
                self._served, self._task = exchange, served
                self._enter(Phase.ANSWER, self._service.score_timeout)
                return
            outcome = served
        self._answer(exchange, outcome)

    def _on_done(self, outcome: Response | BaseException) -> None:
        exchange, self._served, self._task = self._served, None, None
        assert exchange is not None
        self._answer(exchange, outcome if isinstance(outcome, Response) else failed(outcome))
        self._advance()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _answer(self, exchange: Exchange, response: Response) -> None:
        keeps = exchange.keeps and not self._service.retired
        said = ("keep-alive" if exchange.head.old else None) if keeps else "close"
        self._transport.write(self._encoder.encode(response, said, head_only=exchange.head.method == "HEAD"))
        self._service.end(exchange, response, self._client)
        if not keeps:
            self._end(exchange)

    def _end(self, last: Exchange) -> None:
        """The last answer was written: what was asked beyond it does not count."""
        self._abandon_others()
        self._deaf = True
        held, self._held = self._held, b""
        if held:
            self._transport.resume_reading()
        if self._linger and (last.cut or held):  # else a close might take the answer from the client
            self._transport.write_eof()
            self._await_reading(Phase.CLIENT, self._linger)

    def _close(self) -> None:
        """Close, once what was answered is sent; a client that does not read it is cut off in the end."""
        self._deaf = True
        self._transport.close()
        self._await_reading(Phase.UNREAD, UNREAD_SECONDS)

    def _abandon_others(self) -> None:
        reader = self._reader
        for exchange in (*reader.whole, reader.coming):
            if exchange is not None and exchange.decided is not None:
                self._service.abandon(exchange, self._client)
        reader.whole.clear()
        reader.coming = None

    def _wait(self) -> None:
        """Wait for more of a request, or for another one."""
        coming = self._reader.coming
        if coming is None:
            self._enter(Phase.IDLE, IDLE_SECONDS)
        elif coming.decided is None:
            if self.phase is not Phase.HEAD:
                self._enter(Phase.HEAD, HEAD_SECONDS)
        elif self.phase is not Phase.BODY:
            self._enter(Phase.BODY, self._service.read_timeout)
            if coming.head.waits and not coming.received:
                self._transport.write(CONTINUE)

    def _enter(self, phase: Phase, seconds: float) -> None:
        self.phase = phase
        self.deadline = self._loop.time() + seconds

    def _await_reading(self, phase: Phase, seconds: float) -> None:
        """Wait for the client to read; what is not sent by then shows whether it does."""
        self._unread = self._transport.get_write_buffer_size()
        self._enter(phase, seconds)
