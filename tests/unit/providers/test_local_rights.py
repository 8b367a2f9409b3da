"""What a model on this machine can't learn of specr: the environment that specr itself runs in."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from specr.testing.provider_site import Site
from tests.unit.providers.machine import Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SECRET = "aws-key-that-must-not-leak"


def test_neither_a_runtime_nor_what_it_descends_from_has_the_environment_of_specr(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may read `/proc/PID/environ` of every process of its user, so of its parents too."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    Site(machine).make(machine.provider(), machine.deployment("a", "t1"))
    found = machine.processes()
    assert sorted(process.watches for process in found) == [False, True]
    for process in found:
        environ = Path(f"/proc/{process.process.pid}/environ").read_bytes()
        assert b"MODEL_PATH=" in environ
        assert SECRET.encode() not in environ


def test_a_runtime_is_no_descendant_of_specr(machine: Machine) -> None:
    Site(machine).make(machine.provider(), machine.deployment("a", "t1"))
    (runtime,) = [found.process for found in machine.processes() if not found.watches]
    ancestors = {parent.pid for parent in runtime.parents()}
    assert psutil.Process().pid not in ancestors


def test_the_folder_of_all_bytes_is_closed_to_other_users(machine: Machine) -> None:
    Site(machine).make(machine.provider(), machine.deployment("a", "t1"))
    assert (machine.root / ".specr").stat().st_mode & 0o077 == 0
