"""The local provider is killed at lines all over its code: nothing is made twice or left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psutil
import pytest
from msgspec.structs import replace

from specr.testing.provider_site import Site, drift, model_id, ref_to
from tests.unit.providers.machine import Machine, in_child, wait_until

STRIDE = 31
"""Lines between two crashes: prime, so that loops are hit at different places."""

Act = Callable[[], object]


def crashes(act: Callable[[int], Act], stride: int = STRIDE) -> Iterator[int]:
    """Do something again and again, killed a little later each time, until it comes to its end.

    Yields after each time how often it was done before.
    """
    for count in range(1000):
        if in_child(act(count), dies_at=1 + count * stride):
            break
        yield count
    assert count > 2, "it was hardly ever cut short"


def settled(machine: Machine, token: str) -> list[psutil.Process]:
    """The programs of an object, once no launcher is on its way."""
    wait_until(lambda: all((run / "claim").exists() for run in (machine.folder(token) / "runs").iterdir()))
    return [found.process for found in machine.processes() if found.token == token and not found.watches]


def assert_nothing_is_left(machine: Machine) -> None:
    # A launcher that was overtaken may need a moment to find that nobody waits for it.
    wait_until(lambda: machine.processes() == [])
    assert machine.existing("mine") == frozenset()


def test_a_deployment_is_taken_up_wherever_its_making_was_cut_short(machine: Machine) -> None:
    order = machine.deployment("a", "t1")
    for _ in crashes(lambda _: lambda: machine.provider().create(order)):
        ref = Site(machine).make(machine.provider(), order)
        assert model_id(machine.provider(), ref) == order.model_id
        assert drift(machine.provider(), ref) == {}
        assert len(settled(machine, order.token)) == 1
        machine.provider().delete(ref_to(order))
        assert_nothing_is_left(machine)


def test_a_deployment_is_undone_wherever_its_making_was_cut_short(machine: Machine) -> None:
    order = machine.deployment("a", "t1")
    for _ in crashes(lambda _: lambda: machine.provider().create(order)):
        machine.provider().delete(ref_to(order))
        assert_nothing_is_left(machine)


def test_a_build_is_taken_up_wherever_it_was_cut_short(machine: Machine) -> None:
    order = machine.build("a", "t1")

    def make() -> None:
        machine.provider().create(order)
        # Not by polling: how often that looks would be another number each time.
        wait_until(lambda: not machine.processes())
        assert machine.provider().readiness(ref_to(order), order).succeeded

    digests = set()
    for _ in crashes(lambda _: make):
        digests.add(Site(machine).make(machine.provider(), order).attributes["digest"])
        machine.provider().delete(ref_to(order))
        assert_nothing_is_left(machine)
    assert len(digests) == 1


def test_a_deletion_is_repeated_wherever_it_was_cut_short(machine: Machine) -> None:
    order = machine.deployment("a", "t1")

    def delete(count: int) -> Act:
        # Made again after half a deletion every other time, which must stop nothing new.
        if count % 2 or not count:
            Site(machine).make(machine.provider(), order)
        return lambda: machine.provider().delete(ref_to(order))

    for _ in crashes(delete):
        pass
    machine.provider().delete(ref_to(order))
    assert_nothing_is_left(machine)


@pytest.mark.parametrize("wanted", [True, False], ids=["taken up", "undone"])
def test_a_takeover_cut_short_is_taken_up_or_undone(machine: Machine, wanted: bool) -> None:
    port = machine.free_port()
    site = Site(machine)
    serving = replace(machine.deployment("a", "t"), port=port)
    made = [site.roll_out(machine.provider(), serving)]

    def promote(count: int) -> Act:
        order = replace(serving, token=f"t{count}", model_id=f"a-v{count}")
        made.append(site.make(machine.provider(), order))
        return lambda: machine.provider().promote(made[-1], order, made[:1])

    for count in crashes(promote, stride=97):
        old, new = made
        order = replace(serving, token=f"t{count}", model_id=f"a-v{count}")
        if wanted:
            kept = site.roll_out(machine.provider(), order, [old])
            machine.provider().delete(old)
            serving = order
        else:
            kept = site.roll_out(machine.provider(), serving, [new])
            machine.provider().delete(new)
        assert kept.attributes["endpoint"] == f"http://127.0.0.1:{port}"
        assert drift(machine.provider(), kept) == {}
        assert len(machine.programs()) == 1
        made[:] = [kept]
