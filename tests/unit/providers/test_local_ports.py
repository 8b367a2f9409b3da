"""Ports of local deployments: free ones, fixed ones, stolen ones."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from specr.providers.local.ports import find_free_port, is_free, listener_on
from specr.providers.local.provider import LocalProvider, LocalSettings
from specr.providers.local.replicas import Replicas
from specr.providers.protocol import ProviderError
from specr.resources.compute import SecretValue, ValueSource
from specr.testing.provider_site import Site, drift, model_id, ref_to, refused
from tests.unit.providers.machine import Machine, has_ended, wait_until


@pytest.fixture
def stranger() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_listener_is_named(stranger: int) -> None:
    assert not is_free(stranger)
    assert str(os.getpid()) in listener_on(stranger)


def test_nobody_is_named_where_nobody_listens() -> None:
    port = find_free_port(frozenset())
    assert is_free(port)
    assert listener_on(port) == "another program"


def test_promised_ports_are_not_given_again(machine: Machine) -> None:
    port = find_free_port(frozenset())
    taken = frozenset(range(1, 65536)) - {port}
    with pytest.raises(OSError, match="no free port"):
        find_free_port(taken | {port})


def test_a_runtime_that_lost_its_port_gets_another(
    machine: Machine, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specr.providers.local.deployments.PROBE_TIMEOUT", 0.05)
    ports = [stranger]
    real = Replicas.free_port
    monkeypatch.setattr(Replicas, "free_port", lambda self: ports.pop() if ports else real(self))
    provider = machine.provider()
    ref = Site(machine).make(provider, machine.deployment("a", "t1"))
    assert ref.attributes["endpoint"] != f"http://127.0.0.1:{stranger}"
    assert drift(provider, ref) == {}


def test_a_runtime_that_loses_every_port_has_failed(
    machine: Machine, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specr.providers.local.deployments.PROBE_TIMEOUT", 0.05)
    monkeypatch.setattr(Replicas, "free_port", lambda self: stranger)
    provider = machine.provider()
    order = machine.deployment("a", "t1")
    provider.create(order)
    readiness = Site(machine).finish(provider, order)
    assert not readiness.succeeded
    assert f"port {stranger}" in readiness.message


def test_replicas_are_told_with_all_their_endpoints(machine: Machine) -> None:
    provider = machine.provider()
    order = replace(machine.deployment("a", "t1"), replicas=3)
    ref = Site(machine).roll_out(provider, order)
    assert ref.attributes["endpoint"] == ref.attributes["endpoints"][0]
    assert len(set(ref.attributes["endpoints"])) == 3
    assert len(machine.programs()) == 3
    lines = provider.logs(ref)
    assert lines == []


def test_a_replica_that_died_is_drift_and_comes_back_on_its_port(machine: Machine) -> None:
    provider = machine.provider()
    order = replace(machine.deployment("a", "t1"), replicas=2)
    ref = Site(machine).roll_out(provider, order)
    lost = ref.attributes["pids"][0]
    next(p for p in machine.programs() if p.pid == lost).kill()
    wait_until(lambda: bool(drift(provider, ref)))
    assert drift(provider, ref) == {"replicas": 1}
    assert f"replica 0: process {lost} was ended by signal 9" in provider.read([ref])[ref.address].message
    assert model_id(provider, ref) == order.model_id
    healed = provider.update(ref, order)
    assert healed["endpoints"] == ref.attributes["endpoints"]
    assert Site(machine).finish(provider, order).succeeded
    assert drift(provider, ref) == {}


def test_a_fixed_port_is_reached_where_plans_say(machine: Machine) -> None:
    provider, port = machine.provider(), machine.free_port()
    ref = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    assert ref.attributes["endpoint"] == provider.schema.fixed_endpoint.format(port=port)


def test_what_detached_itself_before_a_takeover_goes(machine: Machine) -> None:
    provider = machine.provider(grace=0.1)
    order = replace(machine.deployment("a", "t2", "stray"), port=machine.free_port())
    old = Site(machine).roll_out(provider, replace(order, token="t1"))
    Site(machine).roll_out(provider, order, [old])
    provider.delete(old)
    assert len(machine.programs()) == 2


def test_a_stranger_on_a_fixed_port_is_named_before_anything_starts(machine: Machine, stranger: int) -> None:
    order = replace(machine.deployment("a", "t1"), port=stranger)
    told = refused(lambda: machine.provider().create(order))
    assert f"process {os.getpid()}" in told
    assert f"port {stranger}" in told
    assert machine.processes() == []


def test_another_deployment_on_a_fixed_port_is_a_stranger(machine: Machine) -> None:
    provider = machine.provider()
    port = machine.free_port()
    Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    told = refused(lambda: provider.create(replace(machine.deployment("b", "t2"), port=port)))
    assert f"port {port}" in told


def test_a_failed_takeover_brings_the_old_one_back(machine: Machine) -> None:
    """The new runtime is fine on any port but the one it is to have."""
    provider = machine.provider()
    port = machine.free_port()
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    order = replace(machine.deployment("a", "t2"), port=port, env={"AVOID": str(port)}, model_id="a-v2")
    new = Site(machine).make(provider, order)
    with pytest.raises(ProviderError) as caught:
        provider.promote(new, order, [old])
    detail = caught.value.diagnostics[0].detail
    assert "exited with status 4" in detail
    assert "The old runtime serves again." in detail
    assert drift(provider, old) == {}
    assert model_id(provider, old) == "a-v1"
    provider.delete(ref_to(order))
    assert len(machine.programs()) == 1


def test_a_takeover_waits_no_longer_than_loading_may_take(machine: Machine) -> None:
    """It runs on the fixed port, and listens elsewhere."""
    port = machine.free_port()
    provider = machine.provider()
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    order = replace(machine.deployment("a", "t2"), port=port, readiness_timeout=5)
    new = Site(machine).make(provider, order)
    foreign = replace(order, command=machine.deployment("a", "t2", "foreign").command)
    clock = iter(range(100))
    hasty = LocalProvider(
        "mine", machine.root, machine.store, LocalSettings(), clock=lambda: float(next(clock))
    )
    told = refused(lambda: hasty.promote(new, foreign, [old]))
    assert "after 5 s" in told
    assert model_id(provider, old) == "a-v1"


def test_a_stranger_who_comes_before_a_takeover_is_named(machine: Machine) -> None:
    provider = machine.provider()
    port = machine.free_port()
    silent = replace(machine.deployment("a", "t1"), port=port, command=("sleep", "60"))
    provider.create(silent)
    order = replace(machine.deployment("a", "t2"), port=port)
    new = Site(machine).make(provider, order)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        told = refused(lambda: provider.promote(new, order, [ref_to(silent)]))
    assert f"process {os.getpid()}" in told
    assert model_id(provider, new) == "a-v1"


def test_the_one_that_was_on_the_port_comes_back_and_no_other(machine: Machine) -> None:
    provider = machine.provider()
    port = machine.free_port()
    elsewhere = replace(machine.deployment("a", "t0"), port=machine.free_port())
    dead = Site(machine).roll_out(provider, elsewhere)
    machine.destroy("mine", "t0")
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    order = replace(machine.deployment("a", "t2"), port=port, env={"AVOID": str(port)})
    new = Site(machine).make(provider, order)
    assert "The old runtime serves again." in refused(lambda: provider.promote(new, order, [dead, old]))
    assert drift(provider, dead) == {"exists": False}
    assert drift(provider, old) == {}


def test_an_old_one_that_cannot_come_back_is_told(machine: Machine) -> None:
    provider = machine.provider()
    port = machine.free_port()
    program = machine.root / "serve"
    program.write_text(f"#!/bin/sh\nexec {' '.join(machine.deployment('a', 't1').command)}\n")
    program.chmod(0o755)
    old = Site(machine).roll_out(
        provider, replace(machine.deployment("a", "t1"), port=port, command=("./serve",))
    )
    program.unlink()
    order = replace(machine.deployment("a", "t2"), port=port, env={"AVOID": str(port)})
    new = Site(machine).make(provider, order)
    told = refused(lambda: provider.promote(new, order, [old]))
    assert "could not be started again" in told
    assert "./serve" in told


def test_a_dead_one_is_no_obstacle(machine: Machine) -> None:
    provider = machine.provider()
    port = machine.free_port()
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    machine.destroy("mine", "t1")
    order = replace(machine.deployment("a", "t2"), port=port)
    new = Site(machine).roll_out(provider, order, [old])
    assert new.attributes["endpoint"] == old.attributes["endpoint"]


def test_an_unwatched_one_on_the_port_makes_way(machine: Machine) -> None:
    """Its supervisor was killed; it holds the port still."""
    provider = machine.provider()
    port = machine.free_port()
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    (program,) = machine.programs()
    for watcher in machine.supervisors():
        watcher.kill()
    wait_until(lambda: machine.supervisors() == [])
    new = Site(machine).roll_out(provider, replace(machine.deployment("a", "t2"), port=port), [old])
    assert new.attributes["endpoint"] == old.attributes["endpoint"]
    assert has_ended(program)


def test_one_that_does_not_listen_yet_has_its_port_all_the_same(machine: Machine) -> None:
    """Else both would race for the port, and one would be probed in the place of the other."""
    provider = machine.provider()
    port = machine.free_port()
    slow = replace(machine.deployment("a", "t1"), port=port, command=("sleep", "60"))
    provider.create(slow)
    order = replace(machine.deployment("a", "t2"), port=port)
    new = Site(machine).make(provider, order)
    assert new.attributes["endpoint"] != f"http://127.0.0.1:{port}"
    assert provider.promote(new, order, [ref_to(slow)])["endpoint"] == f"http://127.0.0.1:{port}"
    assert len(machine.programs()) == 1


def test_the_next_one_starts_as_soon_as_the_port_is_free(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    """What the old one still has to answer, it answers beside it."""
    caplog.set_level(logging.INFO, "specr.providers.local.takeover")
    provider, port, until = machine.provider(grace=60.0), machine.free_port(), machine.root / "until"
    first = replace(machine.deployment("a", "t1", "lingers"), port=port, env={"UNTIL": str(until)})
    old = Site(machine).roll_out(provider, first)
    (lingering,) = machine.programs()
    order = replace(machine.deployment("a", "t2"), port=port, model_id="a-v2")
    new = Site(machine).roll_out(provider, order, [old])
    assert not has_ended(lingering)
    assert len(machine.programs()) == 2  # and not the one that has proved itself elsewhere
    assert model_id(provider, new) == "a-v2"
    until.touch()
    provider.delete(old)
    assert has_ended(lingering)
    assert drift(provider, new) == {}
    told, free, ready = (record.getMessage() for record in caplog.records)
    assert told == f"deployment/a: the runtime before is told to leave port {port}"
    assert free == f"deployment/a: port {port} is free, the new runtime starts there"
    assert ready.startswith(f"deployment/a: ready on port {port} after ")


def test_a_new_one_that_can_not_be_started_again_brings_the_old_one_back(machine: Machine) -> None:
    provider = machine.provider()
    port = machine.free_port()
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=port))
    secret = machine.root / "secret"
    secret.write_text("hush")
    value = SecretValue(value_from=ValueSource(file=str(secret)))
    order = replace(machine.deployment("a", "t2"), port=port, env={"KEY": value})
    new = Site(machine).make(provider, order)
    secret.unlink()
    told = refused(lambda: provider.promote(new, order, [old]))
    assert str(secret) in told
    assert "The old runtime serves again." in told
    assert model_id(provider, old) == "a-v1"


def test_a_changed_port_costs_no_gap(machine: Machine) -> None:
    provider = machine.provider()
    old = Site(machine).roll_out(provider, replace(machine.deployment("a", "t1"), port=machine.free_port()))
    order = replace(machine.deployment("a", "t2"), port=machine.free_port())
    new = Site(machine).roll_out(provider, order, [old])
    assert new.attributes["endpoint"].endswith(f":{order.port}")
    assert drift(provider, old) == {}


def test_nothing_can_be_done_with_a_deployment_that_is_gone(machine: Machine) -> None:
    provider = machine.provider()
    order = replace(machine.deployment("a", "t1"), port=machine.free_port())
    assert "apply again" in refused(lambda: provider.promote(ref_to(order), order, []))
    assert "apply again" in refused(lambda: provider.update(ref_to(order), order))
    readiness = provider.readiness(ref_to(order), order)
    assert readiness.done
    assert readiness.message == "it is gone"
