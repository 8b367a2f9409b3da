"""Fuses: make a process die, or a provider fail, at a chosen call, before or after its effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from specr.address import Address
from specr.backends.protocol import Backend, Lease, LockInfo, Write
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.plan.observed import Observation, ProviderSchema
from specr.providers.memory import MemoryProvider
from specr.providers.protocol import (
    DeploymentOrder,
    Order,
    ProviderError,
    Readiness,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.state.model import ObjectRef, Run, State

T = TypeVar("T")


def refusal() -> ProviderError:
    return ProviderError(Diagnostic("Refused", "the fuse burnt"))


@dataclass
class Fuse:
    """Counts calls and burns at some of them.

    `burns` maps a call's number, from 1, to the moment (`before` or `after` its effect) and
    the error that it raises.
    """

    burns: dict[int, tuple[str, Callable[[], BaseException]]] = field(default_factory=dict)
    calls: int = 0
    log: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=Lock)

    def guard(self, name: str, act: Callable[[], T]) -> T:
        with self._lock:
            self.calls += 1
            self.log.append(name)
            moment, error = self.burns.get(self.calls, ("", refusal))
        if moment == "before":
            raise error()
        result = act()
        if moment == "after":
            raise error()
        return result


class FusedProvider:
    """The memory provider, with a fuse on every call that has an effect."""

    def __init__(self, inner: MemoryProvider, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    @property
    def schema(self) -> ProviderSchema:
        return self._inner.schema

    def create(self, order: Order) -> JsonObject:
        return self._fuse.guard(f"create {order.address}", lambda: self._inner.create(order))

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
        return self._fuse.guard(f"readiness {ref.address}", lambda: self._inner.readiness(ref, order))

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:
        return self._fuse.guard(f"promote {ref.address}", lambda: self._inner.promote(ref, order, previous))

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        return self._fuse.guard(f"update {ref.address}", lambda: self._inner.update(ref, order))

    def delete(self, ref: ObjectRef) -> None:
        self._fuse.guard(f"delete {ref.address}", lambda: self._inner.delete(ref))

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        return self._inner.read(refs)

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        return self._inner.request(ref, request)


class FusedBackend:
    """A backend with a fuse on every write."""

    def __init__(self, inner: Backend, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def write(self, lease: Lease, expected: int, writes: Sequence[Write], *, durable: bool = True) -> int:
        return self._fuse.guard("write", lambda: self._inner.write(lease, expected, writes, durable=durable))

    def read(self) -> State:
        return self._inner.read()

    def ensure(self) -> State:
        return self._inner.ensure()

    def lock(self, *, holder: str, operation: str, seconds: float) -> Lease:
        return self._inner.lock(holder=holder, operation=operation, seconds=seconds)

    def renew(self, lease: Lease, *, seconds: float) -> Lease:
        return self._inner.renew(lease, seconds=seconds)

    def release(self, lease: Lease) -> None:
        self._inner.release(lease)

    def lock_info(self) -> LockInfo | None:
        return self._inner.lock_info()

    def break_lock(self, lock_id: str) -> bool:
        return self._inner.break_lock(lock_id)

    def history(self) -> Sequence[Run]:
        return self._inner.history()

    def at(self, serial: int) -> State:
        return self._inner.at(serial)

    def close(self) -> None:
        self._inner.close()


__all__ = ["Fuse", "FusedBackend", "FusedProvider", "TransientError", "refusal"]
