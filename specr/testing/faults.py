"""Faults on purpose: a provider that fails when a script or a seed says so.

For tests of whatever uses providers. What fails depends on the call alone (its method, its
address, how often it came), never on time or on the order of threads; so a failing test
fails again.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from threading import Lock
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from specr.address import Address
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.plan.observed import Observation, ProviderSchema
from specr.providers.protocol import (
    DeploymentOrder,
    LogKeeper,
    Order,
    Provider,
    ProviderError,
    Reachable,
    Readiness,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.state.model import ObjectRef

T = TypeVar("T")


class Fault(Enum):
    """What goes wrong with one call."""

    REFUSED = "refused"
    """ProviderError, and nothing happened."""
    UNSENT = "unsent"
    """TransientError, and nothing happened."""
    UNANSWERED = "unanswered"
    """It happened, but the answer was lost: TransientError."""
    HALFWAY = "halfway"
    """It happened, but the platform says that it failed: ProviderError."""
    STUCK = "stuck"
    """`readiness` says "not yet"; any other call times out, and nothing happened."""
    SLOW = "slow"
    """It happens after a pause."""
    DIED_BEFORE = "died-before"
    """The process dies, and nothing happened: Died."""
    DIED_AFTER = "died-after"
    """The process dies once it happened: Died."""

    @property
    def has_effect(self) -> bool:
        """Whether the call happens all the same."""
        return self in {Fault.UNANSWERED, Fault.HALFWAY, Fault.SLOW, Fault.DIED_AFTER}


class Died(BaseException):
    """Stands for the death of the process: nothing but a test may catch it."""


class Call(Struct, frozen=True):
    """One call of a provider. `nth` counts from 0 the calls of this method for this address.

    `read` is for many addresses at once: its address is None.
    """

    method: str
    address: Address | None
    token: str
    nth: int


class Made(Struct, frozen=True):
    """A call that was made, and what went wrong with it."""

    call: Call
    fault: Fault | None

    @property
    def happened(self) -> bool:
        """Whether it reached the platform."""
        return self.fault is None or self.fault.has_effect


Decide = Callable[[Call], Fault | None]
"""Which fault a call meets."""

EFFECTS: Final = frozenset({"create", "promote", "update", "delete"})
"""The methods that change the world."""


def scripted(*faults: tuple[str, str, Fault], times: int = 1) -> Decide:
    """Faults by method and address (`*` for any), for the first `times` calls of that kind."""
    script = {(method, address): fault for method, address, fault in faults}

    def decide(call: Call) -> Fault | None:
        if call.nth >= times:
            return None
        return script.get((call.method, str(call.address))) or script.get((call.method, "*"))

    return decide


def seeded(
    seed: int, rate: float, faults: Sequence[Fault], *, methods: frozenset[str] = EFFECTS | {"readiness"}
) -> Decide:
    """Faults at random, the same for the same seed; `rate` is the part of the calls that fail."""

    def decide(call: Call) -> Fault | None:
        if call.method not in methods:
            return None
        text = f"{seed}\n{call.method}\n{call.address}\n{call.nth}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        chosen, rest = divmod(number, 1 << 32)
        return faults[chosen % len(faults)] if rest < rate * (1 << 32) else None

    return decide


class FullProvider(Provider, Reachable, LogKeeper, Protocol):
    """A provider with all optional powers."""


class FaultyProvider:
    """Passes calls on to a provider, but for those that meet a fault.

    `made` lists all calls so far, in the order in which they began. With `decide` left out
    nothing fails, and this is a provider that remembers what was asked of it.

    Args:
        inner: the provider that does the work.
        decide: which fault a call meets.
        pause: what SLOW waits with.
    """

    def __init__(
        self,
        inner: FullProvider,
        decide: Decide = lambda _: None,
        *,
        pause: Callable[[], None] = lambda: time.sleep(0.01),
    ) -> None:
        self.made: list[Made] = []
        self._inner = inner
        self._decide = decide
        self._pause = pause
        self._lock = Lock()
        self._counts: Counter[tuple[str, Address | None]] = Counter()

    @property
    def effects(self) -> list[Call]:
        """The calls that changed the world, oldest first."""
        return [made.call for made in self.made if made.happened and made.call.method in EFFECTS]

    @property
    def schema(self) -> ProviderSchema:
        """That of the inner provider."""
        return self._inner.schema

    def create(self, order: Order) -> JsonObject:
        """See `Provider`."""
        return self._meet("create", order.address, order.token, lambda: self._inner.create(order))

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
        """See `Provider`. STUCK is no failure here: it is only not ready."""
        try:
            return self._meet("readiness", ref.address, ref.token, lambda: self._inner.readiness(ref, order))
        except _StuckError:
            return Readiness(done=False, message="stuck on purpose")

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:
        """See `Provider`."""
        act = lambda: self._inner.promote(ref, order, previous)  # noqa: E731 - as the others, but too long
        return self._meet("promote", ref.address, ref.token, act)

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """See `Provider`."""
        return self._meet("update", ref.address, ref.token, lambda: self._inner.update(ref, order))

    def delete(self, ref: ObjectRef) -> None:
        """See `Provider`."""
        return self._meet("delete", ref.address, ref.token, lambda: self._inner.delete(ref))

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        """See `Provider`."""
        return self._meet("read", None, "", lambda: self._inner.read(refs))

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """See `Reachable`."""
        return self._meet("request", ref.address, ref.token, lambda: self._inner.request(ref, request))

    def logs(self, ref: ObjectRef, *, tail: int | None = None) -> Sequence[str]:
        """See `LogKeeper`."""
        return self._meet("logs", ref.address, ref.token, lambda: self._inner.logs(ref, tail=tail))

    def _meet(self, method: str, address: Address | None, token: str, act: Callable[[], T]) -> T:
        fault, call = self._begin(method, address, token)
        match fault:
            case None:
                return act()
            case Fault.SLOW:
                self._pause()
                return act()
            case Fault.STUCK:
                raise _StuckError(f"{method} timed out on purpose")
            case Fault.UNSENT:
                raise TransientError(f"{method} did not get through, on purpose")
            case Fault.REFUSED:
                raise _refusal(call)
            case Fault.DIED_BEFORE:
                raise Died(method)
        act()
        match fault:
            case Fault.UNANSWERED:
                raise TransientError(f"the answer to {method} was lost on purpose")
            case Fault.DIED_AFTER:
                raise Died(method)
        raise _refusal(call)

    def _begin(self, method: str, address: Address | None, token: str) -> tuple[Fault | None, Call]:
        with self._lock:
            call = Call(method, address, token, self._counts[method, address])
            self._counts[method, address] += 1
            fault = self._decide(call)
            self.made.append(Made(call, fault))
        return fault, call


class _StuckError(TransientError):
    """A call that times out."""


def _refusal(call: Call) -> ProviderError:
    return ProviderError(
        Diagnostic(
            "Fault on purpose",
            f"The provider was told to fail at {call.method} for {call.address or 'everything'}.",
            "Run the same again without faults.",
            address=call.address,
        ),
    )
