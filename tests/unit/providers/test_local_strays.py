"""What a lost state has left running: told with the command that ends it, and left alone."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.diagnostics import Diagnostic, Severity
from specr.providers.local.provider import LocalProvider
from specr.testing.provider_site import Site, ref_to
from tests.unit.providers.machine import Machine, has_ended, wait_until


def only(provider: LocalProvider) -> Diagnostic:
    (found,) = provider.check_strays()
    return found


def test_a_folder_without_anything_is_no_finding(machine: Machine) -> None:
    assert machine.provider().check_strays() == []
    assert machine.provider("").check_strays() == []


def test_what_runs_for_this_state_is_no_stray(machine: Machine) -> None:
    provider = machine.provider()
    Site(machine).make(provider, machine.deployment("a", "t1"))
    assert provider.check_strays() == []


@pytest.mark.parametrize("lineage", ["new", ""])
def test_what_runs_for_another_state_is_told_until_the_command_has_ended_it(
    machine: Machine, lineage: str
) -> None:
    """A state that does not exist yet has no lineage."""
    lost = machine.provider("lost")
    ref = Site(machine).make(lost, replace(machine.deployment("a", "t1"), replicas=2))
    found = only(machine.provider(lineage))
    assert found.severity is Severity.WARNING
    assert found.summary == "Processes of another state run here"
    pids = sorted(ref.attributes["pids"])
    assert f"2 processes ({pids[0]}, {pids[1]}) that" in found.detail
    assert str(machine.root / ".specr" / "local" / "lost") in found.detail
    (command,) = found.notes
    programs = [found.process for found in machine.processes("lost")]
    assert {process.pid for process in programs} >= set(pids)
    subprocess.run(shlex.split(command), check=True)
    wait_until(lambda: all(has_ended(process) for process in programs))
    assert machine.provider(lineage).check_strays() == []


def test_of_many_a_few_are_told_and_all_are_in_the_command(machine: Machine) -> None:
    lost = machine.provider("lost")
    ref = Site(machine).make(lost, replace(machine.deployment("a", "t1"), replicas=7))
    found = only(machine.provider())
    pids = [str(pid) for pid in sorted(ref.attributes["pids"])]
    assert f"7 processes ({', '.join(pids[:5])} and 2 more) that" in found.detail
    assert found.notes == (f"kill {' '.join(pids)}",)


def test_each_other_state_is_a_finding(machine: Machine) -> None:
    for lineage in ("one", "two"):
        Site(machine).make(machine.provider(lineage), machine.deployment("a", "t1"))
    found = machine.provider().check_strays()
    assert ["one" in found[0].detail, "two" in found[1].detail] == [True, True]
    assert "1 process (" in found[0].detail


def test_what_was_deleted_or_has_ended_is_none(machine: Machine) -> None:
    lost = machine.provider("lost")
    order = machine.deployment("a", "t1")
    Site(machine).make(lost, order)
    lost.delete(ref_to(order))
    Site(machine).make(lost, machine.build("b", "t2"))
    assert machine.provider().check_strays() == []


def test_strangers_files_are_passed_over(machine: Machine) -> None:
    folder = machine.root / ".specr" / "local"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / "a b").mkdir()
    (folder / "empty" / "t" / "runs" / "odd").mkdir(parents=True)
    assert machine.provider().check_strays() == []


def test_a_folder_that_is_closed_is_passed_over(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: Path = machine.root / ".specr" / "local" / "closed"
    closed.mkdir(parents=True)
    listed = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:  # root may look everywhere
        if path == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return iter(list(listed(path)))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(PermissionError):
        list(closed.iterdir())
    assert machine.provider().check_strays() == []
