"""Bytes to requests: HTTP/1.1 as a client sends it (RFC 9112), parsed by httptools. Knows of no socket.

What a client sends, or how it cuts it up, can hold no more memory than a head of `HEAD_BYTES` and the body
that its request may have.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from specr_scorer.exchanges import Exchange
from specr_scorer.heads import Head, HeadParts, KnownHeads
from specr_scorer.responses import Job, Response, error, too_large

HEAD_BYTES: Final = 65_536
"""The most that may come without a head becoming whole, or a body growing."""
_AHEAD: Final = 2048
"""Bytes that may hold whole requests beside the one that is wanted."""
_SMALL_REST: Final = 65_536
"""A refused request's body of up to so many bytes is read to its end, for the sake of its connection."""


class Reader:
    """Reads the requests of one connection.

    `coming` is the one that is not whole yet, `whole` are those that are, in order.

    Args:
        begin: is called with each request whose head is whole, and decides what it is.
        known: the heads that came before, on whichever connection.
    """

    def __init__(self, begin: Callable[[Exchange], None], known: KnownHeads) -> None:
        self.coming: Exchange | None = None
        self.whole: deque[Exchange] = deque()
        self._begin = begin
        self._known = known
        self._parser = HttpRequestParser(self)
        self._parts = HeadParts()
        self._quiet = 0
        self._resuming = False

    @property
    def appetite(self) -> int:
        """How many bytes to feed at once, so that few requests are begun long before their turn."""
        coming = self.coming
        if coming is None or coming.decided is None or coming.head.length is None:
            return _AHEAD
        return max(coming.head.length - coming.received, _AHEAD)

    def feed(self, data: bytes) -> Response | None:
        """Take what came.

        Returns:
            None, or where nothing may be read any more the answer to `coming`, or to what is no request.
        """
        alone = self.coming is None and not self.whole
        if alone and self._take_known(data):
            return None
        self._quiet += len(data)
        parser = self._parser
        try:
            self._parse(data)
        except HttpParserError as problem:
            return error(400, f"This is no HTTP/1.1: {problem}.")
        coming = self.coming
        # an offer to change to another protocol took more than its head to understand, and another parser
        if alone and coming is None and len(self.whole) == 1 and self._parser is parser:
            self._known.keep(data, self.whole[0].head)
        if coming is None:
            return None
        if self._quiet > HEAD_BYTES:
            return error(431, f"The head is larger than {HEAD_BYTES} bytes.")
        decided = coming.decided
        return decided if isinstance(decided, Response) and not _is_soon_over(coming) else None

    def _take_known(self, data: bytes) -> bool:
        """Take one whole request whose head came before; False if it's not that."""
        known = self._known.find(data)
        if known is None:
            return False
        head, body = known
        exchange = Exchange(head)
        exchange.received = len(body)
        self._begin(exchange)
        job = exchange.decided
        if body and isinstance(job, Job) and job.limit is not None:
            exchange.body.append(body)
        self.whole.append(exchange)
        self._quiet = 0
        return True

    def _parse(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while rest:
            try:
                self._parser.feed_data(rest)
            except HttpParserUpgrade as offer:  # of which any number may have come at once
                rest = memoryview(rest)[offer.args[0] :]
                self._decline()
            else:
                return

    def _decline(self) -> None:
        """Go on in HTTP/1.1 after an offer to change to another protocol.

        For the parser, all that follows is of the other protocol, the request's body too. So a new one
        reads on, from a head that says no more than how long the body is, in the client's words, since the
        first one has not judged them all.
        """
        self._parser = HttpRequestParser(self)
        coming = self.coming
        if coming is not None:
            self._resuming = True
            headers = coming.head.headers
            length = headers.get(b"content-length")
            framing = (
                b"transfer-encoding: " + headers[b"transfer-encoding"]
                if length is None
                else b"content-length: " + length
            )
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._resuming:
            self.coming = Exchange()

    def on_url(self, piece: bytes) -> None:
        """A piece of its target came."""
        if not self._resuming:
            self._parts.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of it came, or one after its body, which has nothing to say here."""
        if self._expected().decided is None:
            self._parts.take_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._quiet = 0
        if self._resuming:
            self._resuming = False
            return
        coming, parser = self._expected(), self._parser
        parts, self._parts = self._parts, HeadParts()  # what is read is not held until the next head comes
        old = parser.get_http_version() == "1.0"
        # what an old proxy before us, to which chunks are no body, would take for further requests
        in_doubt = old and b"transfer-encoding" in parts.headers
        keeps = parser.should_keep_alive() and not in_doubt
        coming.take_head(Head.of(parts, parser.get_method().decode("latin-1"), old=old, keeps=keeps))
        self._begin(coming)

    def on_body(self, piece: bytes) -> None:
        """A piece of its body came."""
        self._quiet = 0
        coming = self._expected()
        coming.received += len(piece)
        job = coming.decided
        if isinstance(job, Job) and job.limit is not None:
            coming.take_body(piece)
            if coming.received > job.limit.size:
                coming.decided = too_large(job.limit)
                coming.body = []

    def on_message_complete(self) -> None:
        """It is whole; or the parser thinks so, who takes the body after an offer to upgrade for no HTTP."""
        self._quiet = 0
        coming = self._expected()
        if not (self._parser.should_upgrade() and coming.head.has_body):
            self.whole.append(coming)
            self.coming = None

    def _expected(self) -> Exchange:
        assert self.coming is not None
        return self.coming


def _is_soon_over(exchange: Exchange) -> bool:
    head = exchange.head
    return head.length is not None and head.length <= _SMALL_REST and not head.waits
