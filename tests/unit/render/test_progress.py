from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from specr.address import Address
from specr.apply.engine import Result
from specr.apply.events import (
    Event,
    Outcome,
    OutcomeKind,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
)
from specr.plan.model import Action, Effect
from specr.render.outcomes import render_outcomes
from specr.render.progress import live_progress
from specr.render.steps import duration, plain_progress

MODEL = Address("model", "fraud")
BUILD = Address("build", "fraud.skops")
FRAUD = Address("deployment", "fraud")
NEXT = Address("deployment", "next-one")

OUTCOMES = (
    Outcome(MODEL, Action.UPDATE, OutcomeKind.DONE),
    Outcome(BUILD, Action.CREATE, OutcomeKind.DONE, seconds=4.2),
    Outcome(FRAUD, Action.UPDATE, OutcomeKind.FAILED, seconds=75.0),
    Outcome(NEXT, Action.CREATE, OutcomeKind.SKIPPED, because=FRAUD),
)
EVENTS: list[Event] = [
    RunStarted("apply", "sha256:1", 4),
    StepStarted(MODEL, Action.UPDATE, Effect.RECORD),
    StepFinished(OUTCOMES[0]),
    StepStarted(BUILD, Action.CREATE, Effect.BUILD),
    StepProgress(BUILD, "build", "running for 1 s"),
    StepProgress(BUILD, "build", "running for 1 s"),
    StepFinished(OUTCOMES[1]),
    StepStarted(FRAUD, Action.UPDATE, Effect.ROLL_OUT),
    StepProgress(FRAUD, "ready", "no answer\x1b[2J yet"),
    StepProgress(FRAUD, "verify"),
    StepFinished(OUTCOMES[2]),
    StepFinished(OUTCOMES[3]),
    RunFinished("failed", {"done": 2, "failed": 1, "skipped": 1}, 80.0),
]


def test_plain_lines() -> None:
    written: list[str] = []
    observe = plain_progress(written.append)
    for event in EVENTS:
        observe(event)
    assert "".join(written).splitlines() == [
        "model/fraud: updated",
        "build/fraud.skops: building…",
        "build/fraud.skops: running for 1 s…",
        "build/fraud.skops: created in 4.2 s",
        "deployment/fraud: rolling out…",
        "deployment/fraud: waiting until it is ready: no answer\\u001b[2J yet…",
        "deployment/fraud: verifying…",
        "deployment/fraud: failed after 1 min 15 s",
        "deployment/next-one: skipped, because deployment/fraud failed",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_live_terminal_keeps_the_finished_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    with live_progress(terminal) as observe:
        for event in EVENTS:
            observe(event)
    visible = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    for line in (
        "✓ model/fraud: updated",
        "✓ build/fraud.skops: created in 4.2 s",
        "✗ deployment/fraud: failed after 1 min 15 s",
        "- deployment/next-one: skipped, because deployment/fraud failed",
    ):
        assert line in visible
    assert "\x1b[2J" not in terminal.getvalue()
    assert terminal.getvalue().rstrip().endswith("\x1b[?25h")


def test_what_runs_is_drawn_with_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    with live_progress(terminal, colour=False) as observe:
        for event in EVENTS[:9]:
            observe(event)
        drawing = Console(file=io.StringIO(), width=100)
        drawing.print(observe.__self__)  # type: ignore[attr-defined]  # the picture whose method it is
        assert isinstance(drawing.file, io.StringIO)
        drawn = drawing.file.getvalue()
    assert "deployment/fraud waiting until it is ready: no answer\\u001b[2J yet" in drawn
    assert "2 of 4 done" in drawn


def drawn(notice: Callable[[], str], width: int, *events: Event) -> list[str]:
    with live_progress(Terminal(), colour=False, notice=notice) as observe:
        for event in events:
            observe(event)
        drawing = Console(file=io.StringIO(), width=width)
        drawing.print(observe.__self__)  # type: ignore[attr-defined]  # the picture whose method it is
    assert isinstance(drawing.file, io.StringIO)
    return [line.rstrip() for line in drawing.file.getvalue().splitlines()]


def test_a_narrow_terminal_cuts_what_a_step_does_and_never_its_address() -> None:
    long = "process 29654 does not answer on port 18080: connection refused by the machine itself"
    lines = drawn(str, 80, *EVENTS[:8], StepProgress(FRAUD, "ready", long))
    [line] = [line for line in lines if "waiting" in line]
    assert re.fullmatch(r"\S deployment/fraud waiting until it is ready: process .*… +\d\.\d s", line)
    assert len(line) <= 80


def test_a_notice_stays_in_the_picture_at_each_redraw() -> None:
    assert drawn(lambda: "Stopping.", 80, *EVENTS[:8])[-1] == "Stopping."
    assert drawn(lambda: "Stopping.", 80) == ["Stopping."]
    assert drawn(str, 80) == []


def test_the_end_of_a_run() -> None:
    assert render_outcomes("apply", Result("failed", OUTCOMES, 80.1)) == (
        "Apply failed in 1 min 20 s: 1 created, 1 updated, 1 failed, 1 skipped.\n"
        "  failed   deployment/fraud\n"
        "  skipped  deployment/next-one  because deployment/fraud failed\n"
        "What is done stays done; `specr apply` goes on from here.\n"
    )
    ended = render_outcomes("destroy", Result("succeeded", (), 0.0))
    assert ended == "Destroy complete in 0.0 s: nothing to do.\n"


def test_what_replace_asked_for_in_vain_is_in_the_command_that_goes_on() -> None:
    unmet = (FRAUD, Address("build", "fraud.mlflow", key="gpu"))
    text = render_outcomes("apply", Result("failed", OUTCOMES, 80.1, unmet))
    assert text.endswith(
        "What is done stays done; "
        "`specr apply --replace deployment/fraud --replace 'build/fraud.mlflow[gpu]'` goes on from here.\n"
    )


def test_many_skipped_changes_are_counted() -> None:
    outcomes = tuple(
        Outcome(Address("deployment", f"d{n}"), Action.CREATE, OutcomeKind.SKIPPED) for n in range(25)
    )
    text = render_outcomes("apply", Result("interrupted", outcomes, 1.0))
    assert "Apply stopped in 1.0 s: 25 skipped.\n" in text
    assert "d19  because apply was stopped before\n  skipped  5 more\n" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.14, "3.1 s"),
        (42, "42 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert duration(seconds) == text
