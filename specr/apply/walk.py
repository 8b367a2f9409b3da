"""The walk over a plan's changes: what may begin, what must be left out. Pure bookkeeping.

One thread uses it, so nothing here is locked.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence

from specr.address import Address
from specr.plan.model import Change


class Walk:
    """Hands out changes, each after those that it must follow.

    Ties go by the plan's order. A change below a failure is never handed out.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = {change.address: change for change in changes}
        self._position = {change.address: n for n, change in enumerate(changes)}
        self._waiting: dict[Address, int] = {}
        self._followers: dict[Address, list[Address]] = defaultdict(list)
        self._ready: list[int] = []
        self._order = tuple(self._changes)
        self._open = set(self._changes)
        for change in changes:
            before = {address for address in change.after if address in self._changes}
            self._waiting[change.address] = len(before)
            for address in before:
                self._followers[address].append(change.address)
            if not before:
                self._ready.append(self._position[change.address])

    def take(self) -> Change | None:
        """The next change that may begin, or None while there is none."""
        if not self._ready:
            return None
        address = self._order[heapq.heappop(self._ready)]
        self._open.discard(address)
        return self._changes[address]

    def succeed(self, address: Address) -> None:
        """What follows this one may begin, as far as it waits for nothing else."""
        for follower in self._followers[address]:
            self._waiting[follower] -= 1
            if self._waiting[follower] == 0 and follower in self._open:
                heapq.heappush(self._ready, self._position[follower])

    def fail(self, address: Address) -> tuple[Change, ...]:
        """Leave out all that follows this one, however far; return it in the plan's order."""
        left_out: set[Address] = set()
        reached = list(self._followers[address])
        while reached:
            follower = reached.pop()
            if follower in self._open:
                self._open.discard(follower)
                left_out.add(follower)
                reached.extend(self._followers[follower])
        return self._in_order(left_out)

    def leave(self) -> tuple[Change, ...]:
        """Leave out everything that has not begun."""
        left_out, self._open, self._ready = self._open, set(), []
        return self._in_order(left_out)

    def _in_order(self, addresses: Iterable[Address]) -> tuple[Change, ...]:
        return tuple(self._changes[a] for a in sorted(addresses, key=self._position.__getitem__))
