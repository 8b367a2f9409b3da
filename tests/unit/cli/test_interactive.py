"""What only a terminal or a signal brings about, tried on the program itself."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Project

PROGRAM = [sys.executable, "-c", "from specr.cli.main import main; main()"]


def at_a_terminal(project: Project, answer: str, *arguments: str, columns: int = 100) -> tuple[int, str]:
    """Run the program on a pseudo-terminal and type an answer at its prompt."""
    controller, terminal = pty.openpty()
    command = [*PROGRAM, "-C", str(project.root), *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    seen, typed = b"", False
    while select.select([controller], [], [], 30)[0]:
        try:
            chunk = os.read(controller, 4096)
        except OSError:  # the other side is closed
            break
        seen += chunk
        if not typed and seen.endswith(b"\r\n> "):
            os.write(controller, f"{answer}\n".encode())
            typed = True
    os.close(controller)
    return process.wait(30), seen.decode()


def test_yes_carries_the_plan_out(project: Project) -> None:
    code, seen = at_a_terminal(project, "yes", "apply")
    assert code == 0
    assert "Do you want to apply these changes?" in seen
    assert "\x1b[1mPlan: 9 to create.\x1b[0m" in seen
    assert "Apply complete in" in seen
    assert len(project.specr("state", "list").out.splitlines()) == 9


@pytest.mark.parametrize("answer", ["y", "YES", "no", ""])
def test_anything_else_does_nothing(project: Project, answer: str) -> None:
    code, seen = at_a_terminal(project, answer, "apply")
    assert code == 1
    assert "Nothing was done." in seen
    assert project.specr("state", "list").out == ""


def test_no_color_is_kept_at_a_terminal(project: Project) -> None:
    code, seen = at_a_terminal(project, "", "plan", "--no-color")
    assert code == 0
    assert "\x1b" not in seen


@pytest.mark.parametrize(("columns", "most"), [(60, 60), (80, 80), (200, 100)])
def test_findings_are_as_wide_as_the_terminal(project: Project, columns: int, most: int) -> None:
    project.edit("defaultProvider: memory", "defaultProvider: nowhere-to-be-found-on-this-machine-of-mine")
    code, seen = at_a_terminal(project, "", "validate", "--no-color", columns=columns)
    assert code == 1
    longest = max(map(len, seen.splitlines()))
    assert most - 20 < longest <= most


@pytest.fixture
def slow(project: Project) -> Iterator[Project]:
    """A project whose processor works until the file `go` is there."""
    go = project.root / "go"
    wait = f"while [ ! -e {go} ]; do sleep 0.02; done; cp $SOURCE_PATH $TARGET_PATH"
    project.edit("defaultProvider: memory", "defaultProvider: local")
    project.edit("command: [process]", f"command: [sh, -c, '{wait}']")
    yield project
    go.touch()


def apply_until_building(project: Project) -> subprocess.Popen[str]:
    command = [*PROGRAM, "-C", str(project.root), "apply", "--auto-approve"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    until(process, "is at work")
    return process


def until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"it never said {text!r}")


def test_the_first_interrupt_finishes_what_runs(slow: Project) -> None:
    process = apply_until_building(slow)
    process.send_signal(signal.SIGINT)
    until(process, "Stopping: what runs is finished first.")
    (slow.root / "go").touch()
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "build/fraud-1.blob: created" in told
    assert "Apply stopped in" in told
    assert "skipped  deployment/fraud  because apply was stopped before" in told
    listed = slow.specr("state", "list").out
    assert "build/fraud-1.blob" in listed
    assert "deployment/fraud" not in listed


def test_at_a_terminal_the_picture_goes_on_telling_that_it_stops(slow: Project) -> None:
    controller, terminal = pty.openpty()
    command = [*PROGRAM, "-C", str(slow.root), "apply", "--auto-approve"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    read_until(controller, "is at work", 1)
    process.send_signal(signal.SIGINT)
    read_until(controller, "Stopping: what runs is finished first.", 3)
    (slow.root / "go").touch()
    read_until(controller, "Apply stopped in", 1)
    os.close(controller)
    assert process.wait(30) == 130


def read_until(controller: int, text: str, times: int) -> None:
    """Read what a terminal shows until a text has come so many times."""
    seen = b""
    while seen.count(text.encode()) < times:
        assert select.select([controller], [], [], 30)[0], f"only {seen.decode(errors='replace')}"
        seen += os.read(controller, 4096)


def test_the_second_interrupt_ends_at_once_and_the_next_apply_goes_on(slow: Project, tmp_path: Path) -> None:
    process = apply_until_building(slow)
    process.send_signal(signal.SIGINT)
    until(process, "Stopping: what runs is finished first.")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Ended. Nothing is lost" in told
    assert "What was begun may run on until the next apply or destroy takes it up or removes it.\n" in told
    assert "build/fraud-1.blob  local  begun, not finished" in slow.specr("state", "list").out
    (tmp_path / "go").touch()
    again = slow.specr("apply", "--auto-approve", "--target", "build/fraud-1.blob")
    assert again.code == 0, again.err
    assert "build/fraud-1.blob: created" in again.err
