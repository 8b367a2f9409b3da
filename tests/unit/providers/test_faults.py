"""Faults on purpose meet the calls that they are meant for, and no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.providers.protocol import ProviderError, ScorerRequest, TransientError
from specr.testing.faults import Call, Died, Fault, FaultyProvider, scripted, seeded
from specr.testing.provider_site import ref_to
from tests.unit.providers.test_memory import BUILD, DEPLOYMENT


def provider_with(*faults: tuple[str, str, Fault], times: int = 1) -> tuple[FaultyProvider, MemoryWorld]:
    world = MemoryWorld()
    return FaultyProvider(MemoryProvider(world, lineage="one"), scripted(*faults, times=times)), world


@pytest.mark.parametrize(
    ("fault", "raised", "happens"),
    [
        (Fault.REFUSED, ProviderError, False),
        (Fault.UNSENT, TransientError, False),
        (Fault.UNANSWERED, TransientError, True),
        (Fault.HALFWAY, ProviderError, True),
        (Fault.STUCK, TransientError, False),
        (Fault.DIED_BEFORE, Died, False),
        (Fault.DIED_AFTER, Died, True),
    ],
)
def test_each_fault_does_what_it_says_once(fault: Fault, raised: type[BaseException], happens: bool) -> None:
    provider, world = provider_with(("create", "deployment/fraud", fault))
    with pytest.raises(raised):
        provider.create(DEPLOYMENT)
    assert (world.get("one", "t1") is not None) == happens
    assert [made.happened for made in provider.made] == [happens]
    provider.create(DEPLOYMENT)
    assert world.get("one", "t1") is not None


def test_slow_is_late_and_well() -> None:
    pauses: list[bool] = []
    inner = MemoryProvider(MemoryWorld(), lineage="one")
    provider = FaultyProvider(inner, scripted(("create", "*", Fault.SLOW)), pause=lambda: pauses.append(True))
    assert provider.create(BUILD)["digest"]
    assert pauses == [True]


def test_stuck_is_not_ready_for_a_while() -> None:
    provider, _ = provider_with(("readiness", "*", Fault.STUCK), times=2)
    provider.create(BUILD)
    seen = [provider.readiness(ref_to(BUILD), BUILD).done for _ in range(3)]
    assert seen == [False, False, True]


def test_what_meets_no_fault_passes_and_is_remembered() -> None:
    provider, _ = provider_with(("delete", "build/other", Fault.REFUSED))
    ref = ref_to(DEPLOYMENT)
    provider.create(DEPLOYMENT)
    provider.promote(ref, DEPLOYMENT, [])
    provider.update(ref, replace(DEPLOYMENT, replicas=3))
    assert provider.read([ref])[ref.address].attributes["replicas"] == 3
    assert provider.request(ref, ScorerRequest("GET", "/model/id")).status == 200
    assert provider.logs(ref)
    provider.delete(ref)
    assert [call.method for call in provider.effects] == ["create", "promote", "update", "delete"]
    assert {call.token for call in provider.effects} == {"t1"}
    assert provider.schema.in_place


def test_seeded_faults_do_not_depend_on_the_order_of_calls() -> None:
    decide = seeded(7, 0.5, list(Fault))
    calls = [Call("create", DEPLOYMENT.address, "t", n) for n in range(200)]
    expected = [decide(call) for call in calls]
    assert [seeded(7, 0.5, list(Fault))(call) for call in reversed(calls)] == expected[::-1]
    assert expected != [seeded(8, 0.5, list(Fault))(call) for call in calls]
    assert 60 < sum(fault is not None for fault in expected) < 140
    assert decide(Call("read", None, "", 0)) is None
    assert not any(seeded(7, 0.0, list(Fault))(call) for call in calls)


def test_several_threads_are_counted_one_by_one() -> None:
    provider, _ = provider_with()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: provider.create(BUILD), range(64)))
    assert sorted(made.call.nth for made in provider.made) == list(range(64))
