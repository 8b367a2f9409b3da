"""Runtimes in containers: what they find, how drift is seen and healed, what is told of mistakes."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.address import Address
from specr.providers.protocol import ScorerRequest, TransientError
from specr.resources.compute import SecretValue, ValueSource
from specr.state.model import ObjectRef
from specr.testing.provider_site import Site, drift, ref_to, refused
from specr.testing.providers import Behaviour
from tests.engines.docker.engine import IMAGE, Engine
from tests.unit.providers.machine import wait_until

pytestmark = pytest.mark.engines


def roll_out(engine: Engine, token: str = "t1", **changes: object) -> ObjectRef:
    order = replace(engine.deployment("a", token), **changes)
    return Site(engine).roll_out(engine.provider(), order)


def ask(engine: Engine, ref: ObjectRef, path: str) -> bytes:
    return engine.provider().request(ref, ScorerRequest("GET", path)).body


def message(engine: Engine, ref: ObjectRef) -> str:
    return engine.provider().read([ref])[ref.address].message


@pytest.mark.parametrize("how", ["mount", "copy"])
def test_the_model_is_there_to_be_read(engine: Engine, how: str) -> None:
    """The same path, the same content, not to be written; and the environment is small."""
    order = replace(engine.deployment("a", "t1"), env={"MINE": "1"})
    provider = engine.provider(bytes=how)
    ref = Site(engine).roll_out(provider, order)
    assert ask(engine, ref, "/model") == b"an artifact"
    assert ask(engine, ref, "/model-writable") == b"False"
    env = json.loads(ask(engine, ref, "/env"))
    assert {key: env[key] for key in ("MODEL_PATH", "MODEL_ID", "PORT", "HOME", "MINE", "UID")} == {
        "MODEL_PATH": "/specr/model/content",
        "MODEL_ID": "a-v1",
        "PORT": "8080",
        "HOME": "/tmp",
        "MINE": "1",
        "UID": 65532,
    }
    assert "SPECR_HOST" not in env


def test_a_runtime_has_no_more_rights_than_it_needs(engine: Engine) -> None:
    """As processors, which are asked for theirs."""
    roll_out(engine)
    host = engine.client.inspect_container(engine.containers("t1")[0]["Id"])["HostConfig"]
    kept = {k: host[k] for k in ("ReadonlyRootfs", "CapDrop", "CapAdd", "SecurityOpt", "Privileged")}
    assert kept == {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "CapAdd": None,
        "SecurityOpt": ["no-new-privileges:true"],
        "Privileged": False,
    }
    assert list(host["Tmpfs"]) == ["/tmp"]


def test_a_disk_that_is_shared_is_mounted_from(engine: Engine) -> None:
    """Found out by asking; and nothing is left of the question."""
    roll_out(engine)
    (container,) = engine.containers("t1")
    (mount,) = container["Mounts"]
    assert (mount["Type"], mount["RW"]) == ("bind", False)


def test_users_labels_stand_beside_the_marks(engine: Engine) -> None:
    roll_out(engine, labels={"team": "risk", "dev.specr.token": "forged"})
    (container,) = engine.containers("t1")
    assert container["Labels"]["team"] == "risk"
    assert container["Labels"]["dev.specr.address"] == "deployment/a"


def test_ports_are_published_on_this_machine_only(engine: Engine) -> None:
    ref = roll_out(engine)
    (port,) = engine.containers("t1")[0]["Ports"]
    assert (port["IP"], port["PrivatePort"]) == ("127.0.0.1", 8080)
    assert ref.attributes["endpoint"] == f"http://127.0.0.1:{port['PublicPort']}"


def test_a_runtime_that_crashes_is_started_again_at_its_port(engine: Engine) -> None:
    """By the daemon, once it has been ready; specr finds nothing to do."""
    ref = roll_out(engine)
    before = engine.client.inspect_container(engine.containers("t1")[0]["Id"])["State"]["StartedAt"]
    engine.provider().request(ref, ScorerRequest("GET", "/env"))
    with pytest.raises(Exception, match="no answer"):
        ask(engine, ref, "/crash")

    def again() -> bool:
        state = engine.client.inspect_container(engine.containers("t1")[0]["Id"])["State"]
        return bool(state["Running"]) and state["StartedAt"] != before

    wait_until(again)
    assert drift(engine.provider(), ref) == {}
    assert engine.containers("t1")[0]["Ports"]


def test_a_candidate_that_crashes_is_not_started_again(engine: Engine) -> None:
    order = engine.deployment("a", "t1", Behaviour.FAILS)
    engine.provider().create(order)
    readiness = Site(engine).finish(engine.provider(), order)
    assert "has exited with status 3" in readiness.message
    assert engine.provider().logs(ref_to(order)) == ["this runtime does not work"]


def test_a_stopped_container_is_told_with_its_status(engine: Engine) -> None:
    ref = roll_out(engine)
    (container,) = engine.containers("t1")
    engine.client.kill(container["Id"])
    wait_until(lambda: not engine.provider().read([ref])[ref.address].exists)
    name = container["Names"][0].lstrip("/")
    assert message(engine, ref) == f"container {name} has exited with status 137 (SIGKILL)"


def test_a_removed_container_is_told(engine: Engine) -> None:
    ref = roll_out(engine)
    engine.destroy("mine", "t1")
    assert drift(engine.provider(), ref) == {"exists": False}
    assert message(engine, ref) == "its containers are gone"


def test_a_paused_container_does_not_serve(engine: Engine) -> None:
    ref = roll_out(engine)
    engine.client.pause(engine.containers("t1")[0]["Id"])
    assert drift(engine.provider(), ref) == {"exists": False}
    assert "is paused" in message(engine, ref)


def test_a_container_whose_runtime_hangs_is_told(engine: Engine) -> None:
    """It runs as it was applied, so nothing drifts; its other replica answers."""
    ref = roll_out(engine, replicas=2)
    provider, asked = engine.provider(), [(ref, "/readyz")]
    assert provider.probe(asked, 20.0) == {}
    hung = ref.attributes["containers"][1]
    engine.client.kill(hung, "SIGSTOP")
    url = f"{ref.attributes['endpoints'][1]}/readyz"
    assert provider.probe(asked, 0.5) == {
        ref.address: f"container {hung} gave no answer at {url} within 0.5 s"
    }
    assert drift(provider, ref) == {}
    engine.client.kill(hung, "SIGCONT")
    assert provider.probe(asked, 20.0) == {}


def test_one_of_two_replicas_is_brought_back_where_it_was(engine: Engine) -> None:
    order = replace(engine.deployment("a", "t1"), replicas=2)
    provider = engine.provider()
    ref = Site(engine).roll_out(provider, order)
    second = next(c for c in engine.containers("t1") if c["Labels"]["dev.specr.replica"] == "1")
    engine.client.stop(second["Id"], timeout=2)
    assert drift(provider, ref) == {"replicas": 1}
    assert "replica 1: container" in message(engine, ref)
    attributes = provider.update(ref, order)
    assert Site(engine).finish(provider, order).succeeded
    assert attributes["endpoints"] == ref.attributes["endpoints"]
    assert drift(provider, ref) == {}


def test_another_image_is_drift_and_healed_at_the_same_port(engine: Engine) -> None:
    """As tools leave it that replace containers by themselves."""
    order = engine.deployment("a", "t1")
    ref = roll_out(engine)
    (old,) = engine.containers("t1")
    found = engine.client.inspect_container(old["Id"])
    engine.client.remove_container(old["Id"], force=True)
    other = {**found["Config"], "Image": "busybox:1", "Entrypoint": ["sleep", "600"], "Cmd": []}
    config = {**other, "HostConfig": {**found["HostConfig"], "Mounts": []}}
    made = engine.client.create_container_from_config(config, found["Name"])
    engine.client.start(made["Id"])
    assert drift(engine.provider(), ref) == {"imageId": engine.client.inspect_image("busybox:1")["Id"]}
    engine.provider().update(ref, order)
    assert Site(engine).finish(engine.provider(), order).succeeded
    assert drift(engine.provider(), ref) == {}


def test_without_replicas_something_stands_for_it(engine: Engine) -> None:
    """So that its removal is seen, and its start too."""
    ref = roll_out(engine, replicas=0)
    assert drift(engine.provider(), ref) == {}
    (anchor,) = engine.containers("t1")
    engine.client.start(anchor["Id"])
    wait_until(lambda: drift(engine.provider(), ref) == {"replicas": 1})
    assert "should not run" in message(engine, ref)
    engine.provider().update(ref, replace(engine.deployment("a", "t1"), replicas=0))
    assert drift(engine.provider(), ref) == {}
    engine.destroy("mine", "t1")
    assert drift(engine.provider(), ref) == {"exists": False}


def test_reading_is_one_call_whatever_the_number(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = [roll_out(engine, f"t{n}", address=Address("deployment", f"a{n}"), replicas=0) for n in range(5)]
    calls: list[str] = []
    provider = engine.provider()
    provider.read(refs)
    session = provider._daemon._client
    monkeypatch.setattr(session, "send", _counting(session.send, calls))
    seen = provider.read(refs)
    assert all(one.exists for one in seen.values())
    assert len(calls) == 1


def _counting(send: object, calls: list[str]) -> object:
    def counted(request: object, **more: object) -> object:
        calls.append(request.url)  # type: ignore[attr-defined]
        return send(request, **more)  # type: ignore[operator]

    return counted


def test_a_container_on_the_fixed_port_is_named(engine: Engine) -> None:
    """Another deployment's is as much a stranger's as any."""
    first = roll_out(engine)
    port = int(first.attributes["endpoint"].rpartition(":")[2])
    order = replace(engine.deployment("b", "t2"), port=port)
    told = refused(lambda: engine.provider().create(order))
    assert f"port {port}, which the container specr-deployment-a-" in told


def test_a_take_over_that_fails_brings_the_old_back(engine: Engine) -> None:
    """The new one is ready wherever it is first, and never at the fixed port."""
    provider = engine.provider()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    old = roll_out(engine, port=port)
    order = replace(engine.deployment("a", "t2"), port=port, model_id="new-v2", readiness_timeout=2)
    new = Site(engine).make(provider, order)
    hanging = replace(order, command=engine.deployment("a", "t2", "hangs").command)
    told = refused(lambda: provider.promote(new, hanging, [old]))
    assert "The old runtime was started again" in told
    assert f"not on port {port}" in told
    wait_until(lambda: ask_quietly(engine, old) == b"a-v1")
    assert drift(provider, old) == {}
    provider.delete(new)
    assert drift(provider, old) == {}


def ask_quietly(engine: Engine, ref: ObjectRef) -> bytes:
    try:
        return ask(engine, ref, "/model/id")
    except TransientError:
        return b""


def test_secrets_are_in_no_label_and_no_name(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2-and-more")
    secret = SecretValue(value_from=ValueSource(file=str(tmp_path / "secret")))
    order = replace(engine.deployment("a", "t1"), env={"KEY": secret, "TELL": "KEY"})
    Site(engine).roll_out(engine.provider(), order)
    (listed,) = engine.containers("t1")
    assert "hunter2" not in repr(listed)
    assert engine.provider().logs(ref_to(order)) == ["***"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"image": None}, ["Nothing to run", "such as local"]),
        ({"image": "specr-test/nowhere:1"}, ["Image not found", "specr-test/nowhere:1", "docker pull"]),
        ({"image_id": f"sha256:{'0' * 64}"}, ["Planned image is gone", IMAGE]),
        ({"command": ("nonesuch",)}, ["Container could not be started", "nonesuch", "spec.command"]),
        ({"model": f"sha256:{'0' * 64}"}, ["Bytes missing from the store"]),
    ],
)
def test_mistakes_are_told_with_a_remedy(engine: Engine, changes: dict[str, object], told: list[str]) -> None:
    order = replace(engine.deployment("a", "t1"), **changes)
    text = refused(lambda: engine.provider().create(order))
    assert all(part in text for part in told), text
