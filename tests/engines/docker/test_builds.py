"""What processors find in their containers, what they leave, and how they end."""

from __future__ import annotations

import os
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from msgspec.structs import replace
from requests import Response

from specr.providers.protocol import BuildOrder, ProviderError, Readiness, TransientError
from specr.resources.compute import Amounts, Compute, SecretValue, ValueSource
from specr.testing.provider_site import Site, ref_to
from tests.engines.docker.engine import IMAGE, Engine

pytestmark = pytest.mark.engines


def finish(engine: Engine, order: BuildOrder, **settings: Any) -> Readiness:
    provider = engine.provider(**settings)
    provider.create(order)
    return Site(engine).finish(provider, order)


def output(engine: Engine, readiness: Readiness) -> Path:
    assert readiness.succeeded, readiness.message
    return engine.store.path(readiness.attributes["digest"])


@pytest.mark.parametrize("how", ["mount", "copy"])
def test_a_processor_has_no_more_rights_than_it_needs(engine: Engine, how: str) -> None:
    found = output(engine, finish(engine, engine.build("a", "t1", "curious"), bytes=how))
    assert literal_eval(found.read_text()) == {
        "uid": 65532,
        "source": "file",
        "root": False,
        "source_writable": False,
        "tmp": True,
        "capabilities": "0" * 16,
        "privileges": "1",
    }


@pytest.mark.parametrize("how", ["mount", "copy"])
def test_an_output_is_the_same_wherever_it_was_made(engine: Engine, how: str) -> None:
    """Programs, links, second names, empty and read-only folders; told by the store's own digest."""
    found = output(engine, finish(engine, engine.build("a", "t1", "folder"), bytes=how))
    twin = engine.root / "twin"
    (twin / "empty").mkdir(parents=True)
    (twin / "deep" / "er").mkdir(parents=True)
    (twin / "deep" / "er" / "file").write_bytes(b"x" * 100_000)
    for name in ("run.sh", "again"):
        (twin / name).write_text("#!/bin/sh\n")
        (twin / name).chmod(0o700)
    (twin / "link").symlink_to("deep/er/file")
    (twin / "umläut name").write_text("")
    assert engine.store.add(twin).digest == engine.store.add(found).digest


def test_a_folder_gets_in_whole(engine: Engine) -> None:
    folder = engine.root / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "big").write_bytes(os.urandom(3_000_001))
    (folder / "below" / "run").write_text("#!/bin/sh\n")
    (folder / "below" / "run").chmod(0o755)
    (folder / "to").symlink_to("below/big")
    digest = engine.store.add(folder).digest
    copying = (
        "import os, shutil\n"
        "shutil.copytree(os.environ['SOURCE_PATH'], os.environ['TARGET_PATH'], symlinks=True)"
    )
    for how in ("mount", "copy"):
        order = replace(engine.build("a", how), source=digest, command=("python", "-c", copying))
        assert finish(engine, order, bytes=how).attributes["digest"] == digest


@pytest.mark.parametrize(
    ("behaviour", "told"), [("link", "is a link"), ("strange", "neither a file nor a folder")]
)
def test_what_the_store_can_not_hold_is_refused(engine: Engine, behaviour: str, told: str) -> None:
    """A link at TARGET_PATH itself would be followed on this machine."""
    with pytest.raises(ProviderError) as raised:
        finish(engine, engine.build("a", "t1", behaviour))
    assert told in str(raised.value)


def test_memory_beyond_the_limit_is_told_as_such(engine: Engine) -> None:
    order = engine.build("a", "t1", "hungry")
    readiness = finish(engine, replace(order, resources=Compute(limits=Amounts(memory="64Mi"))))
    assert not readiness.succeeded
    assert "more memory than it may have, 64Mi" in readiness.message


@pytest.mark.parametrize("kind", ["build", "deployment"])
def test_amounts_reach_the_daemon(engine: Engine, kind: str) -> None:
    resources = Compute(
        limits=Amounts(cpu="1500m", memory="128Mi"), requests=Amounts(cpu="0.5", memory="64Mi")
    )
    order = engine.build("a", "t1", "hangs") if kind == "build" else engine.deployment("a", "t1", "hangs")
    engine.provider().create(replace(order, resources=resources))
    host = engine.client.inspect_container(engine.containers("t1")[0]["Id"])["HostConfig"]
    kept = {k: host[k] for k in ("NanoCpus", "Memory", "MemorySwap", "MemoryReservation", "CpuShares")}
    assert kept == {
        "NanoCpus": 1_500_000_000,
        "Memory": 128 << 20,
        "MemorySwap": 128 << 20,
        "MemoryReservation": 64 << 20,
        "CpuShares": 512,
    }


def test_a_finished_build_keeps_its_log_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    """No volume with a second copy of the output, no container whose environment tells the secret."""
    (tmp_path / "secret").write_text("hunter2-and-more")
    secret = SecretValue(value_from=ValueSource(file=str(tmp_path / "secret")))
    order = replace(engine.build("a", "t1"), env={"KEY": secret, "TELL": "KEY", "SAY": "one|two"})
    assert finish(engine, order).succeeded
    assert engine.provider().logs(ref_to(order)) == ["one", "two", "***"]
    (kept,) = engine.containers("t1")
    assert kept["State"] == "created"
    assert kept["Mounts"] == []
    assert "hunter2" not in repr(engine.client.inspect_container(kept["Id"]))


@pytest.mark.parametrize("method", ["create", "put", "remove"])
def test_a_build_is_taken_up_where_a_dead_process_left_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """On the output's way into the store, and on the way of its log into the container that stays."""
    dying, order = engine.provider(), replace(engine.build("a", "t1"), env={"SAY": "one|two"})
    dying.create(order)
    engine.client.wait(engine.containers("t1")[0]["Id"])

    def die(*_: object) -> None:
        raise TransientError("the process dies here")

    monkeypatch.setattr(dying._daemon, method, die)
    with pytest.raises(TransientError):
        dying.readiness(ref_to(order), order)
    again = engine.provider()
    again.create(order)
    readiness = Site(engine).finish(again, order)
    assert output(engine, readiness).read_text() == "processed an artifact"
    assert [c["State"] for c in engine.containers("t1")] == ["created"]
    assert again.logs(ref_to(order)) == ["one", "two"]
    assert again.create(order) == readiness.attributes


def test_a_build_whose_removal_was_begun_has_left_its_log(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that was killed over it calls such a container dead, and gives no log of it."""
    dying, order = engine.provider(), replace(engine.build("a", "t1"), env={"SAY": "one|two"})
    dying.create(order)
    engine.client.wait(engine.containers("t1")[0]["Id"])

    def die(*_: object) -> None:
        raise TransientError("the process dies here")

    monkeypatch.setattr(dying._daemon, "remove", die)
    with pytest.raises(TransientError):
        dying.readiness(ref_to(order), order)
    again = engine.provider()

    def refuse(*_: object, **__: object) -> None:
        told = "can not get logs from container which is dead or marked for removal"
        response = Response()
        response.status_code = 409
        raise APIError(told, response, told)

    monkeypatch.setattr(again._daemon._open(), "logs", refuse)
    assert Site(engine).make(again, order).attributes["digest"]
    assert [c["State"] for c in engine.containers("t1")] == ["created"]
    assert again.logs(ref_to(order)) == ["one", "two"]


def test_what_was_made_and_never_started_is_made_again(engine: Engine) -> None:
    """A process died between the two, whatever it had copied by then."""
    provider, order = engine.provider(bytes="copy"), engine.build("a", "t1")
    provider.create(order)
    made = engine.containers("t1")[0]
    config = engine.client.inspect_container(made["Id"])["Config"]
    name = made["Names"][0]
    engine.client.remove_container(made["Id"], force=True, v=True)
    engine.client.create_container_from_config({"Image": IMAGE, "Labels": config["Labels"]}, name)
    provider.create(order)
    assert Site(engine).finish(provider, order).succeeded


def test_a_failed_attempt_is_not_taken_up(engine: Engine) -> None:
    """The daemon was stopped, say, and its containers with it: whoever asks again wants it run again."""
    provider, order = engine.provider(), engine.build("a", "t1", "slow")
    order = replace(order, env={"SLEEP": "0.5"})
    provider.create(order)
    engine.client.kill(engine.containers("t1")[0]["Id"])
    provider.create(order)
    readiness = Site(engine).finish(provider, order)
    assert not readiness.succeeded
    assert "wrote nothing" in readiness.message
