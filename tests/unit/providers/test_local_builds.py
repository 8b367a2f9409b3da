"""Local builds: taken up by a later process, collected once, and gone without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.providers.content import Content
from specr.providers.local.provider import LocalProvider
from specr.providers.protocol import BuildOrder, ProviderError
from specr.resources.types import LONGEST_WAIT
from specr.store.folder import FolderStore
from specr.testing.provider_site import Site, ref_to
from tests.unit.providers.machine import Machine, has_ended, in_child, wait_until


def ran(machine: Machine) -> int:
    """How often the processor was run."""
    path = machine.root / "ran"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_running_build_is_taken_up_by_a_later_process(machine: Machine) -> None:
    go = machine.root / "go"
    order = replace(machine.build("a", "t1", "wait"), env={"WAIT": str(go), "RAN": str(machine.root / "ran")})
    assert in_child(lambda: machine.provider().create(order))
    provider = machine.provider()
    provider.create(order)
    readiness = provider.readiness(ref_to(order), order)
    assert not readiness.done
    assert str(machine.programs()[0].pid) in readiness.message
    go.touch()
    assert Site(machine).finish(provider, order).succeeded
    assert ran(machine) == 1


def test_a_build_that_ended_while_nobody_looked_is_taken_up(machine: Machine) -> None:
    order = replace(machine.build("a", "t1"), env={"RAN": str(machine.root / "ran")})
    assert in_child(lambda: machine.provider().create(order))
    wait_until(lambda: machine.processes() == [])
    assert Site(machine).make(machine.provider(), order).attributes["digest"]
    assert ran(machine) == 1


def test_the_output_is_what_the_processor_wrote(machine: Machine) -> None:
    ref = Site(machine).make(machine.provider(), machine.build("a", "t1"))
    assert machine.store.path(ref.attributes["digest"]).read_text() == "processed an artifact"
    assert ref.attributes["size"] == len("processed an artifact")


def test_a_folder_is_an_output_too_even_a_read_only_one(machine: Machine) -> None:
    ref = Site(machine).make(machine.provider(), machine.build("a", "t1", "folder"))
    assert (machine.store.path(ref.attributes["digest"]) / "model").read_text() == "an artifact"


def test_working_files_go_and_the_log_stays(machine: Machine) -> None:
    provider = machine.provider()
    order = replace(machine.build("a", "t1"), env={"SAY": "hello"})
    Site(machine).make(provider, order)
    assert {path.name for path in machine.folder("t1").iterdir()} == {"order.json", "output.json", "runs"}
    assert provider.logs(ref_to(order)) == ["hello"]


def test_a_processor_is_killed_that_ignores_its_time_limit(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specr.providers.local.process._BUILD_GRACE", 0.1)
    provider = machine.provider()
    order = replace(machine.build("a", "t1", "deaf"), timeout=1)
    provider.create(order)
    (program,) = machine.programs()
    readiness = Site(machine).finish(provider, order)
    assert "time limit of 1 s" in readiness.message
    assert has_ended(program)


def test_the_longest_time_limit_can_be_kept(machine: Machine) -> None:
    ref = Site(machine).make(machine.provider(), replace(machine.build("a", "t1"), timeout=LONGEST_WAIT))
    assert machine.store.has(ref.attributes["digest"])


def test_an_output_lost_in_the_store_is_noticed(machine: Machine) -> None:
    provider = machine.provider()
    ref = Site(machine).make(provider, machine.build("a", "t1"))
    empty = LocalProvider("mine", machine.root, FolderStore(machine.root / "other"))
    assert provider.read([ref])[ref.address].exists
    seen = empty.read([ref])[ref.address]
    assert not seen.exists
    assert seen.message == "its output is no longer in the store"


def test_a_folder_removed_by_hand_does_not_make_an_output_go(machine: Machine) -> None:
    provider = machine.provider()
    ref = Site(machine).make(provider, machine.build("a", "t1"))
    provider.delete(ref)
    assert provider.read([ref])[ref.address].exists
    assert not provider.read([ref_to(machine.build("a", "t1"))])[ref.address].exists


def test_an_output_that_the_store_refuses_is_told(machine: Machine) -> None:
    provider = machine.provider()
    order = replace(
        machine.build("a", "t1"), command=("sh", "-c", 'mkdir "$TARGET_PATH" && mkfifo "$TARGET_PATH/pipe"')
    )
    provider.create(order)
    with pytest.raises(ProviderError, match="pipe"):
        Site(machine).finish(provider, order)


class DyingStore:
    """A store whose process dies while it takes content in."""

    def __init__(self, inner: FolderStore) -> None:
        self._inner = inner
        self.has, self.path = inner.has, inner.path

    @contextmanager
    def staging(self) -> Iterator[Path]:
        with self._inner.staging() as staging:
            yield staging

    def add(self, content: Path, *, expected: str | None = None, move: bool = False) -> Content:
        raise DiagnosticError(Diagnostic("Power cut", f"{content} is lost.", "Run it again."))


def test_an_output_lost_on_its_way_to_the_store_is_made_again(machine: Machine) -> None:
    order = replace(machine.build("a", "t1"), env={"RAN": str(machine.root / "ran")})
    dying = LocalProvider("mine", machine.root, DyingStore(machine.store))
    dying.create(order)
    with pytest.raises(ProviderError, match="Power cut"):
        Site(machine).finish(dying, order)
    provider = machine.provider()
    again = provider.readiness(ref_to(order), order)
    assert not again.done
    assert "runs again" in again.message
    assert Site(machine).finish(provider, order).succeeded
    assert ran(machine) == 2


def vandal(machine: Machine, then: str) -> BuildOrder:
    """A processor that works, and does something to its input."""
    script = f'cat "$SOURCE_PATH" > "$TARGET_PATH"; chmod u+w "$SOURCE_PATH" && {then}'
    return replace(machine.build("a", "t1"), command=("sh", "-c", script))


@pytest.mark.parametrize(
    "harm",
    [
        'echo other > "$SOURCE_PATH"',
        'echo other > "$SOURCE_PATH"; exit 3',
        'chmod u+w "${SOURCE_PATH%/*}"; rm "$SOURCE_PATH"',
    ],
)
def test_a_processor_that_changes_its_input_fails_and_the_input_is_brought_back(
    machine: Machine, harm: str
) -> None:
    provider = machine.provider()
    order = vandal(machine, harm)
    provider.create(order)
    with pytest.raises(ProviderError, match=r"build/a\.copy ran .sh -c.*SOURCE_PATH was changed or removed"):
        Site(machine).finish(provider, order)
    assert not machine.store.has(machine.source)
    assert provider.read([ref_to(order)])[ref_to(order).address].attributes == {}
    with pytest.raises(ProviderError, match="not in the store"):
        provider.create(order)
    assert machine.store.add(machine.root / "artifact").digest == machine.source
    # The same token does not bring the former output back.
    good = replace(machine.build("a", "t1"), env={"RAN": str(machine.root / "ran")})
    assert Site(machine).make(machine.provider(), good).attributes["size"] == len("processed an artifact")
    assert ran(machine) == 1


def test_a_check_of_the_input_that_was_cut_short_is_not_taken_for_passed(machine: Machine) -> None:
    order = replace(machine.build("a", "t1"), env={"RAN": str(machine.root / "ran")})
    assert in_child(lambda: machine.provider().create(order))
    wait_until(lambda: machine.processes() == [])
    (machine.folder("t1") / "checking").touch()
    provider = machine.provider()
    assert "runs again" in provider.readiness(ref_to(order), order).message
    assert Site(machine).finish(provider, order).succeeded
    assert ran(machine) == 2


def test_a_read_only_input_that_was_only_read_is_left_alone(machine: Machine) -> None:
    order = vandal(machine, 'chmod u-w "$SOURCE_PATH"')
    assert Site(machine).make(machine.provider(), order).attributes["size"] == len("an artifact")


def test_working_files_nested_beyond_any_path_are_removed(machine: Machine) -> None:
    script = "import os\nfor _ in range(1500): os.mkdir('folder'); os.chdir('folder')"
    order = replace(
        machine.build("a", "t1"),
        command=("sh", "-c", f'python3 -c "{script}"; cat "$SOURCE_PATH" > "$TARGET_PATH"'),
    )
    assert Site(machine).make(machine.provider(), order).attributes["digest"]
    assert {path.name for path in machine.folder("t1").iterdir()} == {"order.json", "output.json", "runs"}
