"""Streams and folders that are not as programs expect them: told, and never a bug in specr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SPECR = str(Path(sys.executable).parent / "specr")
PROJECT = """\
apiVersion: specr/v1
kind: Project
metadata: {name: p}
spec: {variables: {x: hello}}
---
apiVersion: specr/v1
kind: Experiment
metadata: {name: e}
spec: {parameters: {a: "${var.x}"}}
"""


def shell(command: str, folder: Path, environment: dict[bytes, bytes] | None = None) -> tuple[int, str]:
    (folder / "specr.yaml").write_text(PROJECT)
    done = subprocess.run(
        ["sh", "-c", command.replace("specr", SPECR, 1)],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=None if environment is None else {b"PATH": b"/usr/bin:/bin", **environment},
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize(
    "command",
    [
        "plan",
        "version",
        "validate --json",
        "schema",
        "--help",
        "-h",
        "plan --help",
        "state list -h",
        "--version",
    ],
)
def test_output_that_finds_no_room_is_told(command: str, tmp_path: Path) -> None:
    code, told = shell(f"specr {command} >/dev/full", tmp_path)
    assert code == 1
    assert told == (
        "Error: Output is lost: No space left on device. Write it elsewhere; what was done is recorded.\n"
    )


@pytest.mark.parametrize(
    "command", ["plan >&-", "version >&-", "validate --json >&-", "plan 2>&-", "plan >&- 2>&-"]
)
def test_closed_streams_are_for_nobody(command: str, tmp_path: Path) -> None:
    assert shell(f"specr {command}", tmp_path) == (0, "")


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    code, told = shell("mkdir gone; cd gone; rmdir ../gone; exec specr plan", tmp_path)
    assert code == 1
    assert told == "Error: The current folder is gone. Change to one that is there.\n"


def test_values_of_variables_that_are_no_utf_8_are_told(tmp_path: Path) -> None:
    code, told = shell("specr plan", tmp_path, {b"SPECR_VAR_x": b"\xff"})
    assert code == 1
    assert "The value given for the variable x holds bytes that are no UTF-8." in told
