"""How much time and room a transfer may take."""

from __future__ import annotations

from msgspec import Struct


class HttpLimits(Struct, frozen=True):
    """Bounds of one HTTP transfer.

    `size` is in bytes. `connect` is the time to reach a server and `read` the longest silence in
    an answer, both in seconds; there is no bound on the whole, since large files take long.
    `attempts` counts the first, and `redirects` those that are followed.
    """

    size: int = 20 << 30
    connect: float = 10.0
    read: float = 60.0
    redirects: int = 10
    attempts: int = 5
