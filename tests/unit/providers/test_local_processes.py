"""Local processes: what they get, how they end, and how they are known from strangers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from specr.providers.local import supervisor
from specr.providers.local.layout import Layout, ObjectFolder, remove_tree
from specr.providers.local.provider import LocalProvider, LocalSettings
from specr.providers.local.runs import Phase, status_of, stop
from specr.providers.protocol import ProviderError, ScorerRequest
from specr.testing.provider_site import Site, ref_to
from tests.unit.providers.machine import Machine, has_ended, in_child, wait_until


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A process that is none of ours."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield psutil.Process(process.pid)
        process.kill()


def test_the_environment_is_small_and_documented(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "must not leak")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("LC_TIME", "C")
    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    provider = machine.provider()
    order = replace(machine.deployment("a", "t1"), env={"MODE": "fast", "PORT": "1", "SPECR_TOKEN": "mine"})
    ref = Site(machine).make(provider, order)
    env = json.loads(provider.request(ref, ScorerRequest("GET", "/env")).body)
    work = machine.folder("t1") / "work"
    assert env.pop("SPECR_FOLDER").startswith(f"{machine.folder('t1')}/runs/0.1.")
    assert env.pop("PORT") == ref.attributes["endpoint"].rpartition(":")[2]
    assert env.pop("CWD") == str(work)
    inherited = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    inherited |= {name: value for name, value in os.environ.items() if name.startswith("LC_")}
    assert env == inherited | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "TMPDIR": "/tmp",
        "PYTHONUNBUFFERED": "1",
        "MODE": "fast",
        "SPECR_LINEAGE": "mine",
        "SPECR_ADDRESS": "deployment/a",
        "SPECR_TOKEN": "t1",
        "SPECR_HOST": "127.0.0.1",
        "MODEL_PATH": str(machine.store.path(machine.source)),
        "MODEL_ID": "a-v1",
    }


def test_a_process_that_was_stopped_is_told_with_its_id(machine: Machine) -> None:
    """And only that one: its other replica answers, and what has ended is not asked."""
    provider = machine.provider()
    order = replace(machine.deployment("a", "t1"), replicas=2)
    ref, other = (
        Site(machine).make(provider, order),
        Site(machine).make(provider, machine.deployment("b", "t2")),
    )
    machine.destroy("mine", "t2")
    asked = [(ref, "/readyz"), (other, "/readyz")]
    assert provider.probe(asked, 20.0) == {}
    _, pid = ref.attributes["pids"]
    os.kill(pid, signal.SIGSTOP)
    url = f"{ref.attributes['endpoints'][1]}/readyz"
    assert provider.probe(asked, 0.5) == {
        order.address: f"replica 1: process {pid} gave no answer at {url} within 0.5 s"
    }
    os.kill(pid, signal.SIGCONT)
    assert provider.probe(asked, 20.0) == {}


def test_the_spec_may_replace_what_is_inherited(machine: Machine) -> None:
    order = machine.deployment("a", "t1")
    order = replace(
        order,
        command=(sys.executable, *order.command[1:]),
        env={"HOME": "/nowhere", "PATH": "/nothing/here"},
    )
    provider = machine.provider()
    ref = Site(machine).make(provider, order)
    env = json.loads(provider.request(ref, ScorerRequest("GET", "/env")).body)
    assert env["HOME"] == "/nowhere"
    assert env["PATH"] == "/nothing/here"


def test_a_command_that_is_a_path_starts_at_the_project(machine: Machine) -> None:
    program = machine.root / "bin" / "run me"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nexec "$0.real" "$@"\n')
    program.with_name("run me.real").write_text('#!/bin/sh\necho "$1" > "$TARGET_PATH"\n')
    for path in program.parent.iterdir():
        path.chmod(0o755)
    order = replace(machine.build("a", "t1"), command=("bin/run me", "two words"))
    ref = Site(machine).make(machine.provider(), order)
    assert machine.store.path(ref.attributes["digest"]).read_text() == "two words\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ((), ["only the image fraud:1", "spec.command", "docker"]),
        (("no-such-program",), ["no-such-program", "PATH"]),
        (("bin/missing",), ["bin/missing", "/project/bin/missing"]),
    ],
)
def test_a_command_that_cannot_run_is_told_before_anything_starts(
    machine: Machine, command: tuple[str, ...], told: list[str]
) -> None:
    order = replace(machine.deployment("a", "t1"), command=command, image="fraud:1")
    with pytest.raises(ProviderError) as caught:
        machine.provider().create(order)
    diagnostic = caught.value.diagnostics[0]
    assert all(word in f"{diagnostic.detail} {diagnostic.remedy}" for word in told)
    assert machine.processes() == []


def test_a_program_that_the_system_refuses_has_failed(machine: Machine) -> None:
    program = machine.root / "binary"
    program.write_bytes(b"\x00not a program")
    program.chmod(0o755)
    provider = machine.provider()
    order = replace(machine.build("a", "t1"), command=("./binary",))
    provider.create(order)
    readiness = provider.readiness(ref_to(order), order)
    assert readiness.done
    assert "could not be started" in readiness.message


def test_missing_bytes_are_told(machine: Machine) -> None:
    missing = "sha256:" + "0" * 64
    for order in (
        replace(machine.build("a", "t1"), source=missing),
        replace(machine.deployment("a", "t2"), model=missing),
    ):
        with pytest.raises(ProviderError, match=missing):
            machine.provider().create(order)


def test_a_process_outlives_who_started_it(machine: Machine) -> None:
    order = machine.deployment("a", "t1")
    assert in_child(lambda: machine.provider().create(order))
    ref = Site(machine).make(machine.provider(), order)
    (program,) = machine.programs()
    assert ref.attributes["pids"] == [program.pid]
    assert os.getsid(program.pid) != os.getsid(0)
    assert program.terminal() is None


def test_no_zombies_are_left_to_who_started_it(machine: Machine) -> None:
    before = psutil.Process().children()  # of other tests
    provider = machine.provider()
    Site(machine).make(provider, machine.build("a", "t1"))
    Site(machine).make(provider, machine.deployment("a", "t2"))
    assert [child for child in psutil.Process().children() if child not in before] == []


def test_a_runtime_that_ignores_sigterm_is_killed(machine: Machine) -> None:
    provider = machine.provider(grace=0.1)
    order = machine.deployment("a", "t1", "deaf")
    Site(machine).make(provider, order)
    (program,) = machine.programs()
    provider.delete(ref_to(order))
    assert has_ended(program)
    assert machine.processes() == []


def test_a_child_that_detached_itself_goes_too(machine: Machine) -> None:
    provider = machine.provider(grace=0.1)
    order = machine.deployment("a", "t1", "stray")
    Site(machine).make(provider, order)
    assert len(machine.programs()) == 2
    provider.delete(ref_to(order))
    assert machine.processes() == []


def test_children_that_detached_themselves_from_spare_replicas_go_too(machine: Machine) -> None:
    provider = machine.provider(grace=0.1)
    order = replace(machine.deployment("a", "t1", "stray"), replicas=2)
    ref = Site(machine).make(provider, order)
    assert len(machine.programs()) == 4
    provider.update(ref, replace(order, replicas=1))
    assert len(machine.programs()) == 2


def test_a_supervisor_that_does_not_answer_is_killed_with_its_process(machine: Machine) -> None:
    order = machine.deployment("a", "t1")
    Site(machine).make(machine.provider(), order)
    (watcher,) = machine.supervisors()
    watcher.suspend()
    impatient = LocalProvider(
        "mine", machine.root, machine.store, LocalSettings(grace=0.0), sleep=lambda _: None
    )
    impatient.delete(ref_to(order))
    wait_until(lambda: machine.processes() == [])


def test_a_process_without_its_supervisor_is_found_and_replaced(machine: Machine) -> None:
    provider = machine.provider()
    order = machine.deployment("a", "t1")
    ref = Site(machine).make(provider, order)
    (program,) = machine.programs()
    for watcher in machine.supervisors():
        watcher.kill()
    wait_until(lambda: machine.supervisors() == [])
    seen = provider.read([ref])[ref.address]
    assert not seen.exists
    assert f"process {program.pid} is lost: its supervisor was killed, alone or with it" in seen.message
    assert not has_ended(program)
    Site(machine).make(provider, order)
    assert has_ended(program)
    assert len(machine.programs()) == 1


def test_a_process_whose_folder_is_gone_is_found_by_its_token(machine: Machine) -> None:
    provider = machine.provider()
    order = machine.deployment("a", "t1")
    Site(machine).make(provider, order)
    machine.folder("t1").rename(machine.root / "moved by hand")
    provider.delete(ref_to(order))
    assert machine.processes() == []


def test_a_copy_of_the_project_leaves_the_originals_processes_alone(machine: Machine, tmp_path: Path) -> None:
    order = machine.deployment("a", "t1")
    ref = Site(machine).make(machine.provider(), order)
    copy = Machine(tmp_path / "copy")
    subprocess.run(["cp", "-r", machine.root / ".specr", copy.root], check=True)
    assert not copy.provider().read([ref])[ref.address].exists
    copy.provider().delete(ref)
    assert machine.provider().read([ref])[ref.address].exists


def test_a_recycled_process_id_is_never_ours(machine: Machine, stranger: psutil.Process) -> None:
    """Its number stands in the folder of a dead run; it is neither taken for the run nor stopped."""
    provider = machine.provider()
    order = machine.deployment("a", "t1")
    ref = Site(machine).make(provider, order)
    machine.destroy("mine", "t1")
    (run,) = (machine.folder("t1") / "runs").iterdir()
    for name in ("claim", "started"):
        (run / name).write_text(str(stranger.pid))
    assert not provider.read([ref])[ref.address].exists
    provider.delete(ref)
    assert stranger.is_running()
    assert not has_ended(stranger)


def test_a_launcher_that_comes_late_gives_up(machine: Machine) -> None:
    """A crash came between its start and its claim, and the run was given up meanwhile."""
    folder = ObjectFolder(machine.folder("t1"))
    run = folder.new_run(0, None, {"program": "/bin/true", "argv": ["true"]})
    stop([run], 0.0, lambda _: None)
    assert supervisor.claim(str(run.path)) is None
    assert status_of(run).phase is Phase.IDLE
    folder.remove()
    assert supervisor.claim(str(run.path)) is None
    assert not run.path.exists()


def test_of_two_launchers_one_gives_up(machine: Machine) -> None:
    run = ObjectFolder(machine.folder("t1")).new_run(0, None, {})
    first = supervisor.claim(str(run.path))
    assert first is not None
    assert supervisor.claim(str(run.path)) is None
    assert status_of(run).phase is Phase.ALIVE
    os.close(first)
    assert status_of(run).phase is Phase.LOST


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("exit 7", "has exited with status 7"),
        ("kill -9 $$", "was ended by signal 9 (SIGKILL)"),
        ("kill -ABRT $$", f"was ended by signal {signal.SIGABRT.value} (SIGABRT)"),
    ],
)
def test_how_a_process_ended_is_told(machine: Machine, end: str, told: str) -> None:
    provider = machine.provider()
    order = replace(machine.build("a", "t1"), command=("sh", "-c", end))
    provider.create(order)
    assert told in Site(machine).finish(provider, order).message
    assert told in machine.provider().readiness(ref_to(order), order).message


def test_a_supervisor_that_cannot_start_is_told_with_its_words(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specr.providers.local.runs.SUPERVISOR", machine.root / "no-such-program.py")
    with pytest.raises(ProviderError) as caught:
        machine.provider().create(machine.deployment("a", "t1"))
    (diagnostic,) = caught.value.diagnostics
    assert "deployment/a" in diagnostic.detail
    assert any("no-such-program.py" in note for note in diagnostic.notes)


def test_a_disk_that_refuses_is_told(machine: Machine) -> None:
    place = machine.root / ".specr" / "local"
    place.write_text("not a folder")
    for act in (
        lambda: machine.provider().create(machine.deployment("a", "t1")),
        lambda: machine.provider().read([ref_to(machine.deployment("a", "t1"))]),
        lambda: machine.provider().delete(ref_to(machine.deployment("a", "t1"))),
    ):
        with pytest.raises(ProviderError) as caught:
            act()
        (diagnostic,) = caught.value.diagnostics
        assert str(place) in diagnostic.detail
        assert diagnostic.remedy


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"kind": "deployment"}'])
def test_a_damaged_order_counts_as_none(machine: Machine, damage: bytes) -> None:
    provider = machine.provider()
    order = machine.deployment("a", "t1")
    ref = Site(machine).make(provider, order)
    (machine.folder("t1") / "order.json").write_bytes(damage)
    assert not provider.read([ref])[ref.address].exists
    provider.create(order)
    assert provider.read([ref])[ref.address].exists
    assert len(machine.programs()) == 1


def test_tokens_and_lineages_of_any_text_have_folders_of_their_own(tmp_path: Path) -> None:
    texts = ["a", "a/b", "../up", ".hidden", "", "x" * 300, "ä", "a\0b"]
    folders = {Layout(tmp_path, lineage).object(token).path for lineage in texts for token in texts}
    assert len(folders) == len(texts) ** 2
    assert all(len(folder.relative_to(tmp_path).parts) == 2 for folder in folders)
    assert not any(".." in folder.parts for folder in folders)


def test_folders_that_programs_have_locked_are_removed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o755)

    def make_and_remove() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)  # root would not notice
        locked = tmp_path / "object" / "locked"
        (locked / "inner").mkdir(parents=True)
        (locked / "inner" / "file").touch()
        for folder in (locked / "inner", locked, tmp_path / "object"):
            folder.chmod(0)
        remove_tree(tmp_path / "object")

    assert in_child(make_and_remove)
    assert list(tmp_path.iterdir()) == []
    remove_tree(tmp_path / "object")
