"""The rules of leases at their edges."""

from __future__ import annotations

import pytest

from specr.backends.lease import Held, check_lease, extend, grant, milliseconds_text, seconds_text
from specr.backends.protocol import LeaseLostError, LockHeldError

HELD = Held("id", "ann", "apply", acquired=1000.0, expires=1060.0, fence=7)


def test_times_are_utc_and_cut_off() -> None:
    assert seconds_text(0.999) == "1970-01-01T00:00:00Z"
    assert milliseconds_text(1_700_000_000) == "2023-11-14T22:13:20.000Z"
    assert milliseconds_text(1_700_000_000.1239) == "2023-11-14T22:13:20.123Z"


def test_a_lease_is_granted_exactly_when_the_one_before_can_no_longer_write() -> None:
    for now in (999.0, 1000.0, 1059.999, 1060.0, 1060.001):
        try:
            check_lease(HELD, HELD.lease, now=now)
            can_write = True
        except LeaseLostError:
            can_write = False
        try:
            grant(HELD, holder="bob", operation="plan", seconds=1, now=now, fence=8)
            can_take = True
        except LockHeldError:
            can_take = False
        assert can_write != can_take, now


def test_ids_differ() -> None:
    leases = [grant(None, holder="a", operation="o", seconds=1, now=0, fence=1) for _ in range(20)]
    assert len({lease.id for lease in leases}) == 20


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (None, "broken or given back"),
        (Held("id2", "bob", "destroy", 1060.0, 1120.0, fence=8), "taken over by bob (destroy)"),
        (HELD, "ran out at 1970-01-01T00:17:40.000Z"),
    ],
)
def test_a_lost_lease_says_how_it_was_lost(held: Held | None, why: str) -> None:
    with pytest.raises(LeaseLostError) as caught:
        check_lease(held, HELD.lease, now=1060.0)
    assert why in str(caught.value)


def test_extending_keeps_everything_but_the_end() -> None:
    extended = extend(HELD, HELD.lease, seconds=30, now=2000.0)
    assert extended == Held("id", "ann", "apply", 1000.0, 2030.0, 7)
