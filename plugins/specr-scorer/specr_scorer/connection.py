"""A client's connection: bytes to requests, in their order, and answers back to bytes (HTTP/1.1, RFC 9112).

httptools parses. What is here is when: one request of a connection is served at a time, what comes
meanwhile is not read, and nothing that a client sends, or fails to, can hold memory or a place for long.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from specr_scorer.exchanges import Exchange
from specr_scorer.responses import Job, Response, error, failed, too_large
from specr_scorer.service import Service
from specr_scorer.wire import CONTINUE, Encoder

_HEAD_BYTES: Final = 65_536
"""The most that may come without a head becoming whole, or a body growing."""
_SMALL_REST: Final = 65_536
"""A refused request's body of up to so many bytes is read to its end, and the connection kept."""
_HEAD_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 75.0
"""Longer than the minute after which most load balancers close theirs, so that none meets a closed one."""
_UNREAD_SECONDS: Final = 60.0
"""How long a client may go without reading anything of an answer."""
_LINGER_SECONDS: Final = 30.0
"""How long a client that was refused may go on sending, which is dropped, so that it gets to read why."""


class Phase(IntEnum):
    """What a connection waits for."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    ANSWER = 3
    UNREAD = 4
    """The client, which has to read answers before it gets others."""
    CLIENT = 5
    """The client's end of a conversation that is over for the server."""


class Connection(asyncio.Protocol):
    """One connection. Everything here happens in the event loop's thread.

    Args:
        service: what serves requests.
        encoder: shared by all connections.
        loop: whose clock counts.
        on_open: is told when the connection is there.
        on_close: is told when it is gone.
    """

    def __init__(
        self,
        service: Service,
        encoder: Encoder,
        loop: asyncio.AbstractEventLoop,
        on_open: "Callable[[Connection], None]",
        on_close: "Callable[[Connection], None]",
    ) -> None:
        self._service = service
        self._encoder = encoder
        self._loop = loop
        self._on_open = on_open
        self._on_close = on_close
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._coming: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._served: Exchange | None = None
        self._result: asyncio.Future[Response] | None = None
        self._client = ""
        self._held = b""
        self._quiet = 0
        self._unread = 0
        self._blocked = False
        self._deaf = False
        self._resuming = False
        self.phase = Phase.IDLE
        self.deadline = math.inf

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._client = _address(transport)
        self._wait()
        self._on_open(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone: nobody waits for an answer any more."""
        self._on_close(self)
        self._deaf = True
        self.deadline = math.inf
        if self._result is not None:
            self._result.cancel()
        self._abandon(self._served, *self._waiting, self._coming)
        self._served = self._coming = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._deaf:
            return
        if self._served is not None or self._blocked:
            self._held += data
            self._transport.pause_reading()
            return
        self._feed(data)
        self._advance()

    def eof_received(self) -> bool:
        """The client sends no more; what it asked for, it may still wait for."""
        self._abandon(self._coming)
        self._coming = None
        self._deaf = True
        return self._served is not None or bool(self._waiting)

    def pause_writing(self) -> None:
        """The client does not read its answers as fast as it asks for more."""
        self._blocked = True
        self._unread = self._transport.get_write_buffer_size()
        self._enter(Phase.UNREAD, _UNREAD_SECONDS)

    def resume_writing(self) -> None:
        """It read."""
        self._blocked = False
        self._advance()

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._resuming:
            self._coming = Exchange()

    def on_url(self, piece: bytes) -> None:
        """A piece of its target came."""
        if not self._resuming:
            self._expected().target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of it came, or one after its body, which has nothing to say here."""
        coming = self._expected()
        if coming.decided is None:
            coming.take_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._quiet = 0
        if self._resuming:
            self._resuming = False
            return
        coming, parser = self._expected(), self._parser
        coming.method = parser.get_method().decode("latin-1")
        coming.keeps = parser.should_keep_alive()
        if parser.get_http_version() == "1.0":
            coming.minor = 0
        self._service.begin(coming)

    def on_body(self, piece: bytes) -> None:
        """A piece of its body came."""
        self._quiet = 0
        coming = self._expected()
        coming.received += len(piece)
        job = coming.decided
        if isinstance(job, Job) and job.limit is not None:
            coming.body.append(piece)
            if coming.received > job.limit.size:
                coming.decided = too_large(job.limit)
                coming.body = []

    def on_message_complete(self) -> None:
        """It is whole; or the parser thinks so, since what follows an offer to upgrade is no HTTP for it."""
        self._quiet = 0
        coming = self._expected()
        if not self._parser.should_upgrade() or not _has_body(coming):
            self._waiting.append(coming)
            self._coming = None

    # What is done about it.

    def be_late(self) -> None:
        """The deadline is over: give up on what this connection waits for."""
        if self.phase is Phase.HEAD:
            self.refuse(error(408, f"The head did not arrive within {_HEAD_SECONDS:.0f} seconds."))
        elif self.phase is Phase.BODY:
            self.refuse(self._service.read_too_slowly())
        elif self.phase is Phase.ANSWER:
            self.deadline = math.inf
            if self._result is not None:
                self._service.give_up_scoring(self._result)
        elif self.phase is Phase.UNREAD and self._transport.get_write_buffer_size() < self._unread:
            self.pause_writing()  # slow, but it reads
        else:
            self._transport.abort()

    def retire(self) -> None:
        """No further request is wanted: close at once if none is under way, else after its answer."""
        if self.phase in {Phase.IDLE, Phase.CLIENT}:
            self._transport.close()

    def give_up(self) -> None:
        """Answer whatever is still asked with a 503, and close."""
        if (self._served or self._waiting or self._coming) and not self._transport.is_closing():
            self._transport.write(self._encoder.encode(error(503, "The runtime is stopping."), "close"))
        self._transport.close()

    def refuse(self, response: Response) -> None:
        """Read no more, and close once this is answered, after what was asked before."""
        self._refuse(response)
        self._advance()

    def _expected(self) -> Exchange:
        assert self._coming is not None
        return self._coming

    def _feed(self, data: bytes) -> None:
        self._quiet += len(data)
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as offer:
                data = self._decline(data[offer.args[0] :])
                continue
            except HttpParserError as problem:
                self._refuse(error(400, f"This is no HTTP/1.1: {problem}."))
                return
            break
        coming = self._coming
        if coming is None:
            return
        if self._quiet > _HEAD_BYTES:
            self._refuse(error(431, f"The head is larger than {_HEAD_BYTES} bytes."))
        elif isinstance(coming.decided, Response) and not _is_soon_over(coming):
            self._refuse(coming.decided)

    def _decline(self, rest: bytes) -> bytes:
        """Go on in HTTP/1.1 after an offer to change to another protocol.

        The parser takes all that follows for the other protocol's, the body too. So a new one reads on,
        from a head that says no more than how long the body is.
        """
        self._parser = HttpRequestParser(self)
        coming = self._coming
        if coming is None:
            return rest
        self._resuming = True
        length = coming.headers.get(b"content-length")
        framing = b"transfer-encoding: chunked" if length is None else b"content-length: " + length
        return b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n" + rest

    def _refuse(self, response: Response) -> None:
        coming = self._coming or Exchange()
        self._coming = None
        self._service.refuse(coming, response)
        coming.keeps = False
        coming.cut = True
        self._waiting.append(coming)
        self._deaf = True

    def _advance(self) -> None:
        """Serve what is whole, one after the other; then take what was held back, or wait for more."""
        while self._served is None and not self._blocked:
            if self._waiting:
                self._serve(self._waiting.popleft())
            elif self._deaf:
                if self.phase is not Phase.CLIENT:  # it said that it sends no more
                    self._transport.close()
                return
            elif self._held:
                data, self._held = self._held, b""
                self._transport.resume_reading()
                self._feed(data)
            else:
                self._wait()
                return

    def _serve(self, exchange: Exchange) -> None:
        outcome = exchange.decided
        if isinstance(outcome, Job):
            served = self._service.serve(exchange, outcome)
            if not isinstance(served, Response):
                self._served, self._result = exchange, served
                self._enter(Phase.ANSWER, self._service.score_timeout)
                served.add_done_callback(self._on_result)
                return
            outcome = served
        assert outcome is not None
        self._answer(exchange, outcome)

    def _on_result(self, result: "asyncio.Future[Response]") -> None:
        exchange = self._served
        if exchange is None or result.cancelled():  # the client is gone
            return
        self._served = self._result = None
        self.phase = Phase.IDLE
        failure = result.exception()
        self._answer(exchange, result.result() if failure is None else failed(failure))
        self._advance()

    def _answer(self, exchange: Exchange, response: Response) -> None:
        keeps = exchange.keeps and not self._service.retired
        said = ("keep-alive" if exchange.minor == 0 else None) if keeps else "close"
        self._transport.write(self._encoder.encode(response, said, head_only=exchange.method == "HEAD"))
        self._service.end(exchange, response, self._client)
        if not keeps:
            self._end(exchange)

    def _end(self, last: Exchange) -> None:
        """The last answer was written: what was asked beyond it does not count."""
        self._abandon(*self._waiting, self._coming)
        self._waiting.clear()
        self._coming = None
        self._held = b""
        self._deaf = True
        if last.cut:
            self._transport.write_eof()
            self._enter(Phase.CLIENT, _LINGER_SECONDS)

    def _abandon(self, *exchanges: Exchange | None) -> None:
        for exchange in exchanges:
            if exchange is not None and exchange.decided is not None:
                self._service.abandon(exchange, self._client)

    def _wait(self) -> None:
        """Wait for more of a request, or for another one."""
        coming = self._coming
        if coming is None:
            self._enter(Phase.IDLE, _IDLE_SECONDS)
        elif coming.decided is None:
            if self.phase is not Phase.HEAD:
                self._enter(Phase.HEAD, _HEAD_SECONDS)
        elif self.phase is not Phase.BODY:
            self._enter(Phase.BODY, self._service.read_timeout)
            if coming.waits and not coming.received:
                self._transport.write(CONTINUE)

    def _enter(self, phase: Phase, seconds: float) -> None:
        self.phase = phase
        self.deadline = self._loop.time() + seconds


def _has_body(exchange: Exchange) -> bool:
    return bool(exchange.length) or b"transfer-encoding" in exchange.headers


def _is_soon_over(exchange: Exchange) -> bool:
    """Whether a refused request's body is worth reading, for the sake of its connection."""
    return exchange.length is not None and exchange.length <= _SMALL_REST and not exchange.waits


def _address(transport: asyncio.BaseTransport) -> str:
    host, port = transport.get_extra_info("peername")[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
