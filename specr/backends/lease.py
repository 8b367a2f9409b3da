"""The rules of the lock, the same for every backend.

A lock is a lease: whoever holds it has it until a time, and can have that time moved
while nobody else has taken over. The clock only decides when others may take over; that
two holders never both write follows from the fence, which grows with each lease given
and which a write checks in its own transaction. So a clock that jumps costs waiting or a
lost lease, never a mixed-up state:

- forward: the lease is over early. Writes fail; until someone takes over, the holder
  gets the lease back by renewing it.
- backward: the lease lasts longer by the jump, should its holder be dead. Breaking the
  lock by its id is the way out. A living holder's next renewal counts from the new time.

Nothing here reads a clock or keeps anything.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from specr.backends.protocol import Lease, LeaseLostError, LockHeldError, LockInfo


def seconds_text(moment: float) -> str:
    """A time, in seconds since 1970, as UTC in ISO 8601 with seconds."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def milliseconds_text(moment: float) -> str:
    """A time, in seconds since 1970, as UTC in ISO 8601 with milliseconds, cut off."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Held(Struct, frozen=True):
    """A lease as a backend keeps it. Times are seconds since 1970."""

    id: str
    holder: str
    operation: str
    acquired: float
    expires: float
    fence: int

    @property
    def info(self) -> LockInfo:
        """What anyone may know of it."""
        return LockInfo(
            self.id,
            self.holder,
            self.operation,
            milliseconds_text(self.acquired),
            milliseconds_text(self.expires),
        )

    @property
    def lease(self) -> Lease:
        """What its holder gets."""
        return Lease(self.info, self.fence)

    def is_of(self, lease: Lease) -> bool:
        """Whether it is this lease, run out or not."""
        return self.id == lease.info.id and self.fence == lease.fence


def grant(held: Held | None, *, holder: str, operation: str, seconds: float, now: float, fence: int) -> Held:
    """A new lease with this fence, if nobody holds the lock or the holder's time is over.

    Raises:
        LockHeldError: someone holds it.
    """
    if held is not None and now < held.expires:
        raise LockHeldError(held.info)
    return Held(os.urandom(8).hex(), holder, operation, now, now + seconds, fence)


def extend(held: Held | None, lease: Lease, *, seconds: float, now: float) -> Held:
    """The same lease, lasting so many seconds from now; also one that ran out and that nobody took.

    Raises:
        LeaseLostError: the lock is not held by this lease any more.
    """
    return replace(_same(held, lease), expires=now + seconds)


def check_lease(held: Held | None, lease: Lease, *, now: float) -> None:
    """See that a lease allows writing now.

    Raises:
        LeaseLostError: it does not.
    """
    if _same(held, lease).expires <= now:
        assert held is not None
        raise LeaseLostError(f"the lease ran out at {milliseconds_text(held.expires)}")


def _same(held: Held | None, lease: Lease) -> Held:
    if held is None:
        raise LeaseLostError("the lock was broken or given back")
    if not held.is_of(lease):
        raise LeaseLostError(f"the lock was taken over by {held.holder} ({held.operation})")
    return held
