"""One HTTP request and what is known of it, from the first byte of its head to its answer."""

import time
from typing import Final

from specr_scorer.app import Route
from specr_scorer.heads import NO_HEAD, Head
from specr_scorer.responses import Job, Response

_SMALL_PIECE: Final = 4096
"""Pieces of a body below so many bytes are copied together, since each kept by itself takes 40 bytes more."""


class Exchange:
    """A request while it arrives and is answered; `decided` is None until its head is whole.

    `keeps` says whether its connection may carry another request, `cut` that it was not read to its end;
    `received` counts the bytes of its body, also those that were not kept.
    """

    __slots__ = ("body", "cut", "decided", "head", "keeps", "received", "route", "started")

    def __init__(self, head: Head = NO_HEAD) -> None:
        self.started = time.perf_counter()
        self.head = head
        self.keeps = head.keeps
        self.route: Route | None = None
        self.decided: Response | Job | None = None
        self.body: list[bytes | bytearray] = []
        self.received = 0
        self.cut = False

    def take_head(self, head: Head) -> None:
        """Its head is whole."""
        self.head = head
        self.keeps = head.keeps

    def take_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        body = self.body
        if not body or len(piece) >= _SMALL_PIECE:
            body.append(piece)
            return
        last = body[-1]
        if isinstance(last, bytearray):
            last += piece
        else:
            body.append(bytearray(piece))
