"""Waiting for an object: by pauses, or by a provider that hears of changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from specr.address import Address
from specr.apply.means import Task
from specr.apply.patience import await_ready, insist
from specr.diagnostics import Diagnostic
from specr.providers.protocol import BuildOrder, Provider, ProviderError, Readiness, TransientError
from specr.resources.compute import Compute
from specr.state.model import ObjectRef

REF = ObjectRef(Address("build", "a.copy"), "p", "t")
ORDER = BuildOrder(REF.address, "t", "sha256:0", None, (), {}, Compute(), timeout=100)


@dataclass
class Slow:
    """A provider whose object goes from stage to stage; it tells each at once when it is asked."""

    stages: Sequence[Readiness]
    waits: list[float] = field(default_factory=list)

    def readiness(self, _ref: ObjectRef, _order: BuildOrder) -> Readiness:
        return self.stages[min(len(self.waits), len(self.stages) - 1)]


class Hearing(Slow):
    def await_change(self, ref: ObjectRef, seconds: float) -> None:
        assert ref == REF
        self.waits.append(seconds)


WAITING = Readiness(done=False, message="being made")
READY = Readiness(done=True, succeeded=True, attributes={"digest": "sha256:1"})


def task(provider: Slow, told: list[str]) -> Task:
    """A task whose clock goes by what was waited for."""
    means = SimpleNamespace(clock=lambda: sum(provider.waits), pause=provider.waits.append)
    desk = SimpleNamespace(check=lambda: None, tell=lambda _stage, message: told.append(message))
    return cast(
        "Task",
        SimpleNamespace(means=means, desk=desk, change=SimpleNamespace(provider="p", address=REF.address)),
    )


def wait(provider: Slow) -> tuple[Any, list[str]]:
    told: list[str] = []
    return await_ready(task(provider, told), cast("Provider", provider), REF, ORDER), told


@pytest.mark.parametrize("kind", [Slow, Hearing])
def test_it_looks_until_the_object_is_ready(kind: type[Slow]) -> None:
    provider = kind([WAITING, WAITING, WAITING, READY])
    attributes, told = wait(provider)
    assert attributes == {"digest": "sha256:1"}
    assert told == ["being made"]
    assert provider.waits == sorted(provider.waits)
    assert len(provider.waits) == 3


def test_a_provider_that_hears_is_left_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Hearing([WAITING, READY])
    given = task(provider, [])
    monkeypatch.setattr(given.means, "pause", lambda _: pytest.fail("it paused by itself"))
    await_ready(given, cast("Provider", provider), REF, ORDER)
    assert len(provider.waits) == 1


class Failing(Slow):
    """Fails so many times, each time the same way."""

    def __init__(self, error: Exception, times: int) -> None:
        super().__init__([])
        self.error = error
        self.calls = 0
        self.times = times

    def act(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


def test_what_is_transient_is_tried_again_less_and_less_often() -> None:
    provider = Failing(TransientError("busy"), 5)
    assert insist(task(provider, []), "create", provider.act) == "done"
    assert provider.waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])


def test_what_stays_transient_is_given_up() -> None:
    provider = Failing(TransientError("busy"), 99)
    with pytest.raises(ProviderError, match="Provider p failed 6 times in a row"):
        insist(task(provider, []), "create", provider.act)
    assert provider.calls == 6


@pytest.mark.parametrize("error", [ProviderError(Diagnostic("Refused", "No.", "")), ValueError("a bug")])
def test_nothing_else_is_tried_again(error: Exception) -> None:
    provider = Failing(error, 1)
    with pytest.raises(type(error)):
        insist(task(provider, []), "create", provider.act)
    assert provider.calls == 1
    assert provider.waits == []


@pytest.mark.parametrize("kind", [Slow, Hearing])
def test_its_time_is_limited(kind: type[Slow]) -> None:
    provider = kind([WAITING])
    with pytest.raises(ProviderError, match="being made"):
        wait(provider)
    assert 160 <= sum(provider.waits) <= 162
    assert max(provider.waits) == 1.0
